"""Deliveries: what became of them, what a person decides about them, and senders that providers refuse."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field
from starlette.responses import Response

from api.access.requires import Access, requires
from api.schemas.paging import After, Limit, Page, cursor, id_position
from domain.audit.record import Act, record
from domain.delivery.listing import Which, find_delivery, list_deliveries, recipient
from domain.delivery.models import Delivery
from domain.delivery.resolve import Decision, Resolution, clear_sender, resolve_delivery
from domain.delivery.sender_flags import flagged_senders
from domain.delivery.states import State

router = APIRouter(tags=["Deliveries"])
Viewing = Annotated[Access, requires("deliveries.view")]
Resolving = Annotated[Access, requires("deliveries.resolve")]
Reason = Annotated[str, Field(min_length=1, max_length=500, description="Why; kept in the audit log.")]


class DeliverySummary(BaseModel):
    """One delivery. `to` is redacted. `needs_person`: nobody knows whether it was sent, and a person has to decide."""

    id: UUID
    org_id: UUID
    client_id: UUID
    purpose: str
    channel: str
    to: str
    state: str
    attempts: int
    segments: int | None
    encoding: str | None
    error_code: str | None
    error: str | None
    needs_person: bool
    correlation_id: UUID | None
    created_at: datetime
    updated_at: datetime
    expires_at: datetime | None


class AttemptDocument(BaseModel):
    """One try. `outcome` "failed": the provider took it and reported later that it came to nothing."""

    id: UUID
    attempt: int
    provider: str
    outcome: str
    provider_id: str | None
    error_code: str | None
    error_class: str | None
    error: str | None
    started_at: datetime
    finished_at: datetime | None


class ReceiptDocument(BaseModel):
    """One report of the provider."""

    provider_id: str
    status: str
    error_code: str | None
    received_at: datetime


class DeliveryDocument(DeliverySummary):
    """A delivery with its tries and reports. `body` and `subject` are there when they were asked for."""

    provider: str | None
    provider_id: str | None
    asked_person_at: datetime | None
    closed_at: datetime | None
    subject: str | None
    body: str | None
    tries: list[AttemptDocument]
    receipts: list[ReceiptDocument]


class ResolveRequest(BaseModel):
    """What was found out. `sent`: it was sent; `resend`: it was not, so send it now; `give_up`: don't send it."""

    decision: Decision
    reason: Reason


class ResolvedDocument(BaseModel):
    """The delivery's state after a decision."""

    id: UUID
    state: str


class FlagDocument(BaseModel):
    """A sender that the provider refuses. `next_try_at`: when one message tries it again."""

    id: UUID
    org_id: UUID
    client_id: UUID
    client: str
    sender: str
    error_code: str | None
    reason: str
    flagged_at: datetime
    next_try_at: datetime


class ClearRequest(BaseModel):
    """Why a refused sender may send again."""

    reason: Reason


@router.get("/api/v1/deliveries")
def deliveries(
    access: Viewing,
    state: State | None = None,
    client: UUID | None = None,
    channel: Literal["sms", "email"] | None = None,
    needs_person: Annotated[bool, Query()] = False,  # noqa: FBT002  # a query parameter
    limit: Limit = 50,
    after: After = None,
) -> Page[DeliverySummary]:
    """Return deliveries, the newest first. What is sought among many makes short pages: go on while there is `next`."""
    place = id_position(after)
    with access.scope() as session:
        found = list_deliveries(session, Which(state, client, channel, needs_person), limit=limit, before_id=place)
        items = [DeliverySummary.model_validate(_summary(one)) for one in found.rows]
    return Page(items=items, next=cursor(found.next_id) if found.next_id else None)


@router.get("/api/v1/deliveries/{delivery_id}")
def delivery(
    delivery_id: UUID,
    access: Viewing,
    reveal: Annotated[bool, Query()] = False,  # noqa: FBT002  # as above
) -> DeliveryDocument:
    """Return one delivery with its tries and reports. `reveal` shows what it says and to whom, which is audited."""
    with access.scope() as session:
        found, attempts, receipts = find_delivery(session, delivery_id)
        if reveal:
            act = Act("delivery.reveal", "delivery", str(found.id), org_id=found.org_id, client_id=found.client_id)
            record(session, access.actor, act)
        shown = {"subject": found.subject, "body": found.body, "to": found.to_address} if reveal else {}
        return DeliveryDocument.model_validate(
            {
                **_summary(found),
                "provider": found.provider,
                "provider_id": found.provider_id,
                "asked_person_at": found.asked_person_at,
                "closed_at": found.closed_at,
                "subject": None,
                "body": None,
                "tries": [{**_columns(one), "error": one.error_text} for one in attempts],
                "receipts": [_columns(one) for one in receipts],
                **shown,
            }
        )


@router.post("/api/v1/deliveries/{delivery_id}/resolve")
def resolve(delivery_id: UUID, wanted: ResolveRequest, access: Resolving) -> ResolvedDocument:
    """Decide about a delivery of which nobody knows whether it was sent, or give up one that waits; 409 otherwise."""
    with access.scope() as session:
        state = resolve_delivery(session, delivery_id, Resolution(wanted.decision, wanted.reason), access.actor)
    return ResolvedDocument(id=delivery_id, state=state)


@router.get("/api/v1/sender-flags")
def sender_flags(access: Viewing) -> list[FlagDocument]:
    """Return the senders that providers refuse now, the newest first, at most 200."""
    with access.scope() as session:
        return [
            FlagDocument.model_validate({**_columns(flag), "client": name, "next_try_at": flag.probe_at})
            for flag, name in flagged_senders(session)
        ]


@router.post("/api/v1/sender-flags/{flag_id}/clear", status_code=204, response_class=Response)
def clear(flag_id: UUID, wanted: ClearRequest, access: Resolving) -> Response:
    """Let a refused sender send again; what waits for it follows within minutes."""
    with access.scope() as session:
        clear_sender(session, flag_id, access.actor, wanted.reason)
    return Response(status_code=204)


def _summary(one: Delivery) -> dict[str, object]:
    return {
        **_columns(one),
        "to": recipient(one),
        "error": one.error_text,
        "needs_person": one.state == "unknown" and one.asked_person_at is not None,
    }


def _columns(row: object) -> dict[str, object]:
    return {name: value for name, value in vars(row).items() if not name.startswith("_")}
