"""Put an alert on its way to the owner, by every channel that is to carry it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final, Literal, LiteralString
from uuid import UUID

from domain.alerts.policy import Channel, Owner, channels_to_use
from domain.alerts.wording import Words
from domain.delivery.email_templates import render
from domain.delivery.errors import UndeliverableError
from domain.delivery.request import NewDelivery, request_delivery
from domain.gate.decide import decide
from domain.gate.guards import Guard
from domain.gate.snapshot import load_snapshot
from domain.kernel.database import raw_connection
from domain.notices.raising import NoticeKind, raise_notice, resolve_notice
from domain.statistics.activities import Activity, note

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

_SETTLE: Final = """
    UPDATE owner_alerts SET state = %(state)s, reason = %(reason)s, gathered = %(gathered)s,
                            delivery_ids = delivery_ids || %(delivery_ids)s::uuid[], settled_at = now()
    WHERE id = ANY(%(ids)s::uuid[])
    RETURNING org_id, client_id, state
"""
_SETTLE_WAITING: Final = _SETTLE.replace("id = ANY(%(ids)s::uuid[])", "client_id = %(client_id)s AND state = 'waiting'")


@dataclass(frozen=True, slots=True)
class Post:
    """What is told, to whom, and about which message it is, if about one."""

    owner: Owner
    client_id: UUID
    words: Words
    correlation_id: UUID | None = None
    purpose: Literal["owner_alert", "test"] = "owner_alert"


def ask_gate(
    session: Session, client_id: UUID, *, subject: str, correlation_id: UUID | None, now: datetime
) -> str | None:
    """Ask on record whether the owner may be alerted; return why not, or None."""
    snapshot = load_snapshot(session, client_id, now=now)
    guard = Guard.CAN_PROCESS_NOTIFICATION_REQUEST
    decision = decide(session, guard, snapshot, subject=subject, correlation_id=correlation_id)
    return None if decision.allowed else decision.reason


def send(session: Session, post: Post, channels: Sequence[Channel] | None = None) -> tuple[list[UUID], str]:
    """Request a delivery by each channel; return their ids, and why there are none when there are none."""
    ids, reasons = [], []
    for channel in channels_to_use(post.owner) if channels is None else channels:
        try:
            ids.append(request_delivery(session, _delivery(post, channel)))
        except UndeliverableError as error:
            reasons.append(str(error))
    return ids, "" if ids else " ".join(reasons) or "No channel reaches the owner."


def settle(
    session: Session,
    alert_ids: Sequence[UUID],
    *,
    delivery_ids: Sequence[UUID] = (),
    reason: str | None = None,
    gathered: bool = False,
) -> None:
    """Record that alerts were sent by these deliveries or, without any, that they were suppressed and why."""
    parameters = _settled(delivery_ids, reason, gathered=gathered) | {"ids": list(alert_ids)}
    _carry_out(session, _SETTLE, parameters)


def settle_waiting(
    session: Session, client_id: UUID, *, delivery_ids: Sequence[UUID] = (), reason: str | None = None
) -> None:
    """Record the same of all alerts of a client that wait, while others are kept out (`owners.keep_others_out`)."""
    parameters = _settled(delivery_ids, reason, gathered=True) | {"client_id": client_id}
    _carry_out(session, _SETTLE_WAITING, parameters)


def _carry_out(session: Session, statement: LiteralString, parameters: Mapping[str, object]) -> None:
    settled = Counter(raw_connection(session).execute(statement, parameters).fetchall())
    for (org_id, client_id, state), times in settled.items():
        note(session, Activity.NOTIFICATION, state, org_id=org_id, client_id=client_id, times=times)


def _settled(delivery_ids: Sequence[UUID], reason: str | None, *, gathered: bool) -> dict[str, object]:
    return {
        "state": "sent" if delivery_ids else "suppressed",
        "reason": reason,
        "gathered": gathered,
        "delivery_ids": list(delivery_ids),
    }


def note_reach(session: Session, owner: Owner, client_id: UUID, *, reached: bool, words: str) -> None:
    """Tell the operators that an owner can't be alerted, or that this one can again."""
    subject = f"client:{client_id}"
    if not reached:
        raise_notice(session, NoticeKind.OWNER_UNREACHABLE, subject, words, org_id=owner.org_id, client_id=client_id)
    elif owner.noticed:
        resolve_notice(session, NoticeKind.OWNER_UNREACHABLE, subject, org_id=owner.org_id, by="gatehouse")


def _delivery(post: Post, channel: Channel) -> NewDelivery:
    address = post.owner.address(channel)
    if address is None:
        raise UndeliverableError("The owner has no address there.")
    email = render(post.words.email) if channel == "email" else None
    return NewDelivery(
        org_id=post.owner.org_id,
        client_id=post.client_id,
        purpose=post.purpose,
        channel=channel,
        to_address=address,
        subject=email.subject if email else None,
        body=email.body if email else post.words.sms,
        html_body=email.html_body if email else None,
        correlation_id=post.correlation_id,
    )
