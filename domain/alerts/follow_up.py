"""What follows when a delivery has failed for good, or a sender is refused: endpoints and the owner are told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from sqlalchemy import select

from domain.alerts.models import OwnerAlert
from domain.alerts.owners import read_owner
from domain.alerts.policy import Alert, AlertKind, Owner, channels_to_use, problem_of, reaches, words_of
from domain.alerts.raising import raise_alert
from domain.alerts.sending import Post, note_reach, send, settle
from domain.alerts.wording import Told, digest, quote
from domain.delivery.messages import DeliveryFailed, SenderRefused
from domain.delivery.models import Delivery, SenderFlag
from domain.kernel.clock import Clock
from domain.queue.outcome import Done, Outcome
from domain.queue.run import Run
from domain.webhooks.emit import emit
from domain.webhooks.events import EventType

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

_FOR_CUSTOMERS: Final[Mapping[str, str]] = {
    "reply": "The reply",
    "fallback": "The fallback text",
    "crisis": "The advice for an emergency",
    "person": "The text that you or an operator wrote",
}
_ENDED: Final = frozenset({"failed", "undelivered", "cancelled"})
_UNEXPLAINED: Final = "The provider does not say why."


def delivery_failed(message: DeliveryFailed, run: Run, *, clock: Clock) -> Outcome:
    """Tell of a delivery that came to nothing. A failed alert is not alerted about: it goes by another channel."""
    with run.scope() as session:
        delivery = session.get(Delivery, message.delivery_id)
        if delivery is None:
            return run.finish(session, Done("The delivery is gone."))
        if delivery.state not in _ENDED:
            return run.finish(session, Done("It is being sent once more, or arrived after all."))
        _tell(session, delivery)
        if delivery.purpose in _FOR_CUSTOMERS:
            raise_alert(session, _alert(delivery), now=clock.now())
            return run.finish(session, Done("The owner was told, as far as they want to be."))
        note = _send_otherwise(session, delivery)
        return run.finish(session, Done(note))


def sender_refused(message: SenderRefused, run: Run, *, clock: Clock) -> Outcome:
    """Tell an owner that the provider refuses to send, so that texts wait; by e-mail, since texts don't leave."""
    with run.scope() as session:
        flag = session.get(SenderFlag, message.flag_id)
        if flag is None or flag.cleared_at is not None:
            return run.finish(session, Done("The sender is not refused any more."))
        what = "E-mail" if flag.sender == "email" else "Texts"
        alert = Alert(
            org_id=flag.org_id,
            client_id=flag.client_id,
            kind=AlertKind.SENDER_REFUSED,
            subject=f"sender_flag:{flag.id}",
            summary=f"{what} to your customers wait, because the provider refuses them: {flag.reason}",
        )
        raise_alert(session, alert, now=clock.now())
        return run.finish(session, Done("The owner was told, as far as they want to be."))


def _tell(session: Session, delivery: Delivery) -> None:
    payload = {
        "delivery_id": str(delivery.id),
        "message_id": None if delivery.message_id is None else str(delivery.message_id),
        "purpose": delivery.purpose,
        "channel": delivery.channel,
        "address": delivery.to_address,
        "state": delivery.state,
        "error_code": delivery.error_code,
        "reason": delivery.error_text,
    }
    emit(
        session,
        EventType.DELIVERY_FAILED,
        payload,
        org_id=delivery.org_id,
        client_id=delivery.client_id,
        correlation_id=delivery.correlation_id,
    )


def _alert(delivery: Delivery) -> Alert:
    what = _FOR_CUSTOMERS[delivery.purpose]
    why = delivery.error_text or _UNEXPLAINED
    return Alert(
        org_id=delivery.org_id,
        client_id=delivery.client_id,
        kind=AlertKind.FAILED_DELIVERY,
        subject=f"delivery:{delivery.id}",
        summary=f"{what} to {delivery.to_address} failed: {why} It said: {quote(delivery.body)}",
        correlation_id=delivery.correlation_id,
    )


def _send_otherwise(session: Session, delivery: Delivery) -> str:
    """Send what a failed alert said by a channel that works and was not tried for it; return what was done."""
    owner = read_owner(session, delivery.client_id)
    note_reach(session, owner, delivery.client_id, reached=reaches(owner), words=words_of(owner, None))
    alerts = _alerts_of(session, delivery)
    tried = _channels_tried(session, alerts)
    channels = [
        channel for channel in channels_to_use(owner) if channel not in tried and problem_of(owner, channel) is None
    ]
    if not alerts or not channels:
        return "No other channel reaches the owner; the operators have been told."
    delivery_ids, _ = send(session, _post(owner, delivery, alerts), channels)
    if delivery_ids:
        reason = "It failed by the first channel and was sent by another."
        settle(
            session,
            [alert.id for alert in alerts],
            delivery_ids=delivery_ids,
            reason=reason,
            gathered=alerts[0].gathered,
        )
    return "The alert was sent by another channel." if delivery_ids else "The alert could not be sent otherwise."


def _post(owner: Owner, delivery: Delivery, alerts: Sequence[OwnerAlert]) -> Post:
    told = [Told(alert.kind, alert.summary, owner.local(alert.created_at)) for alert in alerts]
    return Post(owner, delivery.client_id, digest(owner.client_name, told), delivery.correlation_id)


def _alerts_of(session: Session, delivery: Delivery) -> Sequence[OwnerAlert]:
    query = select(OwnerAlert).where(OwnerAlert.delivery_ids.contains([delivery.id])).order_by(OwnerAlert.id)
    return session.scalars(query).all()


def _channels_tried(session: Session, alerts: Sequence[OwnerAlert]) -> set[str]:
    ids = {delivery_id for alert in alerts for delivery_id in alert.delivery_ids}
    return set(session.scalars(select(Delivery.channel).where(Delivery.id.in_(ids))))
