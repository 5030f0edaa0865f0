"""One delivery: each try, what the provider reported, and the form by which a person decides about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final, cast, get_args
from uuid import UUID

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from api.access.requires import Access, requires
from api.dashboard.deliveries import PATH, client_names
from api.dashboard.flash import flash
from api.dashboard.posted import Posted, texts
from api.dashboard.tables import Column, State, Table
from api.pages import page
from domain.audit.record import Act, record
from domain.conversations import journey_words as words
from domain.delivery.listing import find_delivery, recipient
from domain.delivery.resolve import Decision, Resolution, resolve_delivery
from domain.kernel.errors import ConflictError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from api.dashboard.tables import Cell, Tone
    from domain.delivery.models import Delivery, DeliveryReceipt, NotificationLog

router = APIRouter(include_in_schema=False)
Viewing = Annotated[Access, requires("deliveries.view")]
Resolving = Annotated[Access, requires("deliveries.resolve")]
_TRY_COLUMNS: Final = (
    Column("try", "Try", "number"),
    Column("began", "Began", "time"),
    Column("took", "Took", "duration"),
    Column("outcome", "Outcome", "state"),
    Column("error", "What the provider said"),
    Column("id", "Provider's id", "code"),
)
_REPORT_COLUMNS: Final = (
    Column("at", "Reported", "time"),
    Column("status", "Status", "state"),
    Column("code", "Code", "code"),
    Column("id", "Provider's id", "code"),
)
_DONE: Final[Mapping[Decision, str]] = {
    "sent": "Noted that it was sent. Nothing more is sent.",
    "resend": "It is sent again now.",
    "give_up": "Given up. Nothing more is sent.",
}
_EXPLAINED: Final[Mapping[str, str]] = {
    "pending": "It waits to be sent. It leaves by itself, unless its time runs out or a switch is thrown.",
    "sending": "It is being handed to the provider at this moment.",
    "unknown": "The provider did not say whether it took it. It is looked for there first, because sending it again"
    " blindly could have it arrive twice.",
    "accepted": "The provider has taken it and has not yet said that it arrived.",
    "sent": "The provider has passed it on and has not yet said that it arrived.",
    "delivered": "It arrived.",
    "undelivered": "The provider took it, and it did not arrive.",
    "failed": "It was refused, and trying again would not help.",
    "cancelled": "It was stopped before it was sent.",
}
_ASKED: Final = (
    "Nobody knows whether it was sent: the provider can't tell either. Look in the provider's log, or ask the customer,"
    " and decide below."
)


@router.get(f"{PATH}/{{delivery_id}}")
def delivery(request: Request, delivery_id: UUID, access: Viewing, reveal: bool = False) -> Response:  # noqa: FBT001, FBT002
    """Show a delivery. `reveal` shows what it says and to whom, which is on record."""
    return _page(request, access, delivery_id, reveal=reveal)


@router.post(f"{PATH}/{{delivery_id}}/resolve")
def resolve(request: Request, delivery_id: UUID, access: Resolving, form: Posted) -> Response:
    """Carry out what a person decided."""
    sent = texts(form)
    decision, reason = sent.get("decision", ""), sent.get("reason", "").strip()
    if decision not in get_args(Decision) or not reason:
        problem = "Say what you found out, and why; both are kept in the audit log."
        return _page(request, access, delivery_id, problem=problem, given=sent)
    decided = cast("Decision", decision)
    try:
        with access.scope() as session:
            resolve_delivery(session, delivery_id, Resolution(decided, reason), access.actor)
    except ConflictError as error:
        return _page(request, access, delivery_id, problem=str(error), status=409, given=sent)
    response = RedirectResponse(f"{PATH}/{delivery_id}", status_code=303)
    flash(request, response, _DONE[decided])
    return response


def _page(
    request: Request,
    access: Access,
    delivery_id: UUID,
    *,
    reveal: bool = False,
    problem: str = "",
    status: int = 422,
    given: Mapping[str, str] | None = None,
) -> Response:
    with access.scope() as session:
        found, tries, reports = find_delivery(session, delivery_id)
        if reveal:
            act = Act("delivery.reveal", "delivery", str(found.id), org_id=found.org_id, client_id=found.client_id)
            record(session, access.actor, act)
        client = client_names(session, {found.client_id}).get(found.client_id, "")
    asked = found.state == "unknown" and found.asked_person_at is not None
    return page(
        "delivery.html",
        status if problem else 200,
        request=request,
        delivery=found,
        client=client,
        name=words.PURPOSES.get(found.purpose, "A message"),
        to=found.to_address if reveal else recipient(found),
        reveal=reveal,
        state=_state(found, asked=asked),
        explained=_ASKED if asked else _EXPLAINED.get(found.state, ""),
        tries=Table(_TRY_COLUMNS, [_try(one) for one in tries], caption="Tries", empty="It was not tried yet."),
        reports=Table(_REPORT_COLUMNS, [_report(one) for one in reports], caption="Reports", empty=_NO_REPORT),
        decisions=_decisions(found) if access.may("deliveries.resolve") else (),
        problem=problem,
        given={"decision": "", "reason": ""} | dict(given or {}),
        sees_journey=found.correlation_id is not None and access.may("journeys.view"),
    )


_NO_REPORT: Final = "The provider has reported nothing of it yet. A report that comes appears here."


def _state(found: Delivery, *, asked: bool) -> State:
    if asked:
        return State("bad", "waits for a person")
    state, tone = words.DELIVERY_STATES.get(found.state, (found.state, "plain"))
    return State(tone, state)


def _decisions(found: Delivery) -> Sequence[tuple[Decision, str, str]]:
    """Return what can be decided about it now, each with what it means."""
    give_up: tuple[Decision, str, str] = ("give_up", "Don't send it", "It is stopped and never sent.")
    if found.state == "unknown":
        return (
            ("sent", "It was sent", "It stands in the provider's log. Nothing more is sent."),
            ("resend", "It was not sent: send it now", "It goes through the gate once more and is sent again."),
            give_up,
        )
    return (give_up,) if found.state == "pending" else ()


def _try(one: NotificationLog) -> Sequence[Cell]:
    outcome, tone = words.SEND_ATTEMPTS.get(one.outcome, (one.outcome, "plain"))
    took = None if one.finished_at is None else one.finished_at - one.started_at
    said = " ".join(part for part in (f"Code {one.error_code}." if one.error_code else "", one.error_text) if part)
    return (
        one.attempt,
        one.started_at,
        took,
        State(tone, outcome, one.error_class or ""),
        said or None,
        one.provider_id,
    )


def _report(one: DeliveryReceipt) -> Sequence[Cell]:
    found: tuple[str, Tone] = words.DELIVERY_STATES.get(one.status, (one.status, "plain"))
    return (one.received_at, State(found[1], found[0]), one.error_code, one.provider_id)
