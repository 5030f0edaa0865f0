"""The rows of a journey as steps in plain words. No step holds a text or more than two digits of a number."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from domain.clients.numbers import is_e164
from domain.conversations import journey_words as words
from domain.conversations.journey_job_steps import job_steps
from domain.conversations.journey_step import Step, milliseconds
from domain.kernel.redaction import redact_email, redact_text

if TYPE_CHECKING:
    from domain.alerts.models import OwnerAlert
    from domain.conversations.journey_records import Records
    from domain.conversations.models import ThreadMessage
    from domain.delivery.models import Delivery, DeliveryReceipt, NotificationLog
    from domain.gate.models import GuardLog

_SHOWN_DIGITS: Final = 2


def all_steps(records: Records) -> Sequence[Step]:
    """Return the steps of a journey in the order in which they happened."""
    return sorted(_steps(records), key=lambda step: (step.at, step.order))


def _steps(records: Records) -> Iterator[Step]:
    purposes = {delivery.id: delivery.purpose for delivery in records.deliveries}
    for message in records.inbound:
        yield _arrival(message, asked_for=message.correlation_id == records.correlation_id)
        yield from _unanswered(message)
    advice = {message.answered_by for message in records.inbound if message.outcome == "crisis"}
    yield from (_reply(records, message, is_advice=message.id in advice) for message in records.replies)
    yield from map(_alert, records.alerts)
    yield from map(_decision, records.decisions)
    yield from job_steps(records, purposes)
    yield from map(_delivery, records.deliveries)
    yield from (_send_attempt(log, purposes[log.delivery_id]) for log in records.send_attempts)
    yield from map(_receipt, records.receipts)


def _arrival(message: ThreadMessage, *, asked_for: bool) -> Step:
    who = _person("sms", message.address) if message.channel == "sms" else "a visitor of the web chat"
    what = f"A message from {who} came in" if asked_for else f"Another message from {who} came in"
    details = []
    if not asked_for:
        details.append("It was answered together with this one.")
    if message.media:
        details.append(f"Attached: {len(message.media)}.")
    return Step(
        message.received_at,
        "webhook",
        what,
        "accepted",
        "good",
        " ".join(details),
        ids={"message_id": str(message.id), "correlation_id": str(message.correlation_id)}
        | ({"conversation_id": str(message.conversation_id)} if message.conversation_id else {}),
        text=message.body,
        order=message.id,
    )


def _unanswered(message: ThreadMessage) -> Iterator[Step]:
    """Give the end of a message that is on record and got no answer."""
    found = words.UNANSWERED.get(message.outcome or "")
    if found is not None and message.processed_at is not None:
        what, outcome, tone = found
        yield Step(message.processed_at, "reply", what, outcome, tone, ids={"message_id": str(message.id)})


def _reply(records: Records, message: ThreadMessage, *, is_advice: bool) -> Step:
    by_author = words.AUTHORS.get(message.author, ("A reply was made", ""))
    what, detail = words.ADVICE_FOR_EMERGENCY if is_advice else by_author
    if message.author == "ai" and message.confidence is not None:
        count = len(message.sources)
        source = f"from {count} {'entry' if count == 1 else 'entries'} of the knowledge base" if count else "no source"
        detail = f"Confidence {message.confidence:.2f}, {source}."
    return Step(
        message.received_at,
        "reply",
        what,
        "stored",
        "good",
        detail,
        ids={"message_id": str(message.id)},
        text=message.body,
        order=message.id,
        facts=_grounds(records, message),
    )


def _grounds(records: Records, message: ThreadMessage) -> Mapping[str, str]:
    """Return what a composed reply rests on, and what the guardrails made of it."""
    if message.author != "ai":
        return {}
    verdicts = [verdict for one in records.attempts if (verdict := words.VERDICTS.get(one.reason or ""))]
    titles = [records.sources.get(source, "an entry that was removed since") for source in message.sources]
    return {
        name: value
        for name, value in (("Guardrail", verdicts[-1] if verdicts else ""), ("Sources", ", ".join(titles)))
        if value
    }


def _alert(alert: OwnerAlert) -> Step:
    outcome, tone = words.ALERT_STATES.get(alert.state, (alert.state, "plain"))
    together = "It was sent in one message with others." if alert.gathered and alert.state == "sent" else ""
    return Step(
        alert.created_at,
        "alert",
        words.ALERTS.get(alert.kind, "The owner was to be alerted"),
        outcome,
        tone,
        " ".join(part for part in (together, alert.reason) if part),
        ids={"alert_id": str(alert.id), "deliveries": " ".join(str(one) for one in alert.delivery_ids)},
        text=alert.summary,
        order=alert.id,
    )


def _decision(log: GuardLog) -> Step:
    outcome, tone = words.DECISIONS[log.block]
    asked = str(log.inputs.get("asked", log.guard))
    question = words.GUARDS.get(asked, f"The gate was asked: {asked}")
    return Step(
        log.decided_at,
        "decision",
        f"{question} (when it was to leave)" if log.subject.startswith("delivery:") else question,
        outcome,
        tone,
        log.reason,
        ids={"decision_id": str(log.id), "guard": log.guard, "rule_version": log.rule_version, "subject": log.subject},
        order=log.id,
        facts={_input_name(name): _input(value) for name, value in log.inputs.items()},
    )


def _input_name(name: str) -> str:
    """Return what a guard looked at in words: "recipient_opted_out" is the contact's own wish."""
    return words.INPUTS.get(name, name.replace("_", " ").capitalize())


def _input(value: object) -> str:
    if value is None or isinstance(value, bool):
        return {None: "not set", True: "yes", False: "no"}[value]
    return redact_text(str(value))


def _delivery(delivery: Delivery) -> Step:
    outcome, tone = words.DELIVERY_STATES.get(delivery.state, (delivery.state, "plain"))
    what = words.PURPOSES.get(delivery.purpose, "A message")
    to = _person(delivery.channel, delivery.to_address)
    return Step(
        delivery.created_at,
        "delivery",
        f"{what} for {to} was to be sent",
        outcome,
        tone,
        delivery.error_text or "",
        ids={"delivery_id": str(delivery.id)},
        text=delivery.body,
        order=delivery.id,
    )


def _send_attempt(log: NotificationLog, purpose: str) -> Step:
    outcome, tone = words.SEND_ATTEMPTS.get(log.outcome, (log.outcome, "plain"))
    code = f"Code {log.error_code}." if log.error_code else ""
    ids = {"delivery_id": str(log.delivery_id), "attempt_id": str(log.id)}
    return Step(
        log.started_at,
        "send_attempt",
        f"{words.short_purpose(purpose).capitalize()} to the provider ({log.provider}), try {log.attempt}",
        outcome,
        tone,
        " ".join(part for part in (log.error_text, code) if part),
        milliseconds(log.started_at, log.finished_at),
        ids=ids | ({"provider_id": log.provider_id} if log.provider_id else {}),
        order=log.id,
    )


def _receipt(receipt: DeliveryReceipt) -> Step:
    outcome, tone = words.DELIVERY_STATES.get(receipt.status, (receipt.status, "plain"))
    return Step(
        receipt.received_at,
        "receipt",
        "The provider reported what became of it",
        outcome,
        tone,
        f"Code {receipt.error_code}." if receipt.error_code else "",
        ids={"delivery_id": str(receipt.delivery_id), "provider_id": receipt.provider_id},
        order=receipt.id,
    )


def _person(channel: str, address: str) -> str:
    """Return an address by what little of it may be shown."""
    if channel == "email":
        return redact_email(address)
    return f"a number ending in {address[-_SHOWN_DIGITS:]}" if is_e164(address) else "a short number"
