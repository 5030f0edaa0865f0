"""What a person can do about a message that was stopped, failed or waits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from domain.gate.guards import Guard

if TYPE_CHECKING:
    from domain.conversations.journey_records import Records
    from domain.gate.models import GuardLog

_BLOCKS: Final[Mapping[str, str]] = {
    Guard.ORGANIZATION_ACTIVE: "Make the organization active again; new messages are answered from then on.",
    Guard.NOT_CANCELLED: "The client has left. If it is to be served again, correct its cancellation.",
    Guard.BILLING_IN_ORDER: "Bring the client's billing in order, or extend its trial.",
    Guard.PLATFORM_OUTBOUND: "Everything outbound is stopped. When it may leave again:"
    " gatehouse flags set platform.outbound_stopped false",
    Guard.PLATFORM_AI: "Replies are not composed just now. When they may be again:"
    " gatehouse flags set platform.ai_stopped false",
    Guard.CAN_RESPOND_TO_CUSTOMER: "Complete the client's onboarding; until then customers get the fallback text.",
    Guard.CAN_SEND_BOOKING_LINK: "Set the client's booking mode and a public https:// address.",
    Guard.SHOULD_USE_AI: "Turn automatic replies on again for this client (ai_disabled) when that is wanted.",
    Guard.CAN_SEND_NOTIFICATION: "Lift the pause of the owner's notifications (notifications_paused) when that is"
    " wanted.",
}
_PAUSED: Final = "Lift the pause of everything outbound (outbound_paused) for this client when that is wanted."
_OPTED_OUT: Final = "The contact has opted out and must not be texted. Only the contact can undo that, with START."
_TAKEN_OVER: Final = (
    "A person is answering this conversation. To give it back to the AI sooner: gatehouse conversations release"
    " {conversation_id}"
)
_UNALERTED: Final = "The owner was not alerted. See why: gatehouse notifications status {client_id}"
_QUIET: Final = "Nothing to do: the text leaves when the quiet hours end."
_STOPPED_STAYS: Final = "What was stopped is not sent later: a reply that comes long after the question confuses."

_ERRORS: Final[Mapping[str, str]] = {
    "configuration": "Correct the account, number or permission that the provider complains about.",
    "registration": "Wait until the number's registration (A2P 10DLC) is complete; the text leaves by itself then.",
    "region": "Allow texts to the recipient's country in the provider's geographic permissions, then requeue the job.",
    "too_long": "Shorten the text: the provider takes 1,600 characters.",
    "recipient": "The number can't get texts. Reach the customer in another way.",
    "never": "The carrier blocks such texts. Don't repeat it; check the registration of the number (A2P 10DLC).",
    "opted_out": _OPTED_OUT,
    "unclassified": "Look the code up in the provider's documentation.",
}


def advise(records: Records) -> Sequence[str]:
    """Return what to do next, most helpful first, each once; nothing when all is well."""
    return list(dict.fromkeys(_all(records)))


def _all(records: Records) -> Iterator[str]:
    for log in records.decisions:
        if not log.allowed:
            yield _about_block(records, log)
    if any(log.block == "hard" and log.guard != Guard.NOT_TAKEN_OVER for log in records.decisions):
        yield _STOPPED_STAYS
    for alert in records.alerts:
        if alert.state == "suppressed":
            yield _UNALERTED.format(client_id=alert.client_id)
    for delivery in records.deliveries:
        if delivery.state in {"failed", "undelivered", "pending"}:
            yield from _about_failures(records, delivery.id)
    yield from _about_jobs(records)


def _about_jobs(records: Records) -> Iterator[str]:
    for job in records.jobs:
        if job.state == "dead":
            yield f"When the cause is gone, run it again: gatehouse dead requeue {job.id}"
        elif job.state == "available":
            yield "If nothing moves for longer than a moment, see whether a worker runs: gatehouse doctor"
        elif job.state == "retryable":
            yield "Nothing to do yet: it is tried again by itself."


def _about_block(records: Records, log: GuardLog) -> str:
    if log.guard == Guard.NOT_TAKEN_OVER:
        ids = [str(message.conversation_id) for message in records.messages if message.conversation_id]
        return _TAKEN_OVER.format(conversation_id=ids[0] if ids else "ID")
    if log.inputs.get("recipient_opted_out") is True and log.guard == Guard.CAN_SEND_SMS:
        return _OPTED_OUT
    if log.inputs.get("outbound_paused") is True and log.guard in {Guard.CAN_SEND_SMS, Guard.CAN_SEND_NOTIFICATION}:
        return _PAUSED
    if log.guard == Guard.CAN_SEND_SMS:
        return _QUIET if log.block == "soft" else "Correct the client's time zone and quiet hours."
    return _BLOCKS.get(log.guard, log.reason)


def _about_failures(records: Records, delivery_id: object) -> Iterator[str]:
    for log in records.send_attempts:
        advice = _ERRORS.get(log.error_class or "")
        if log.delivery_id == delivery_id and advice is not None:
            yield advice
