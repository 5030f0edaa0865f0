"""The question that a journey without a reply raises, and its answer: "Why no reply?"."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from domain.conversations import journey_words as words
from domain.gate.guards import Guard
from domain.queue.names import LIVE_STATES

if TYPE_CHECKING:
    from domain.conversations.journey_records import Records
    from domain.delivery.models import Delivery
    from domain.gate.models import GuardLog
    from domain.queue.models import Job

_QUESTIONS: Final[Mapping[str, str]] = {
    "blocked": "Why no reply?",
    "no_reply_needed": "Why no reply?",
    "left_to_person": "Why no reply?",
    "failed": "Why did no reply arrive?",
    "under_way": "Why is there no reply yet?",
    "answered": "Why this text?",
}
_BY_OUTCOME: Final[Mapping[str, str]] = {
    "opted_out": "The contact asked for no more texts, and nothing may be sent after that, not even a confirmation of"
    " ours: the provider sends one.",
    "opted_in": "The contact asked for texts again; the provider confirms that itself.",
    "help": "The contact asked for help by keyword; the provider answers that itself.",
    "left_to_person": "A person is answering this conversation, so nothing is composed.",
    "came_late": "The message reached us too late for an automatic reply. Its business was told.",
}
_STOPPED: Final = "The gate was asked “{question}” and said no: {reason}"
_LIMITED: Final = "The gate was asked “{question}” and allowed fixed words alone: {reason}"
_OF_THE_OWNER: Final = frozenset({Guard.CAN_SEND_NOTIFICATION, Guard.CAN_PROCESS_NOTIFICATION_REQUEST})


@dataclass(frozen=True, slots=True)
class Why:
    """A question and its answer, sentence by sentence."""

    question: str
    answer: Sequence[str]


def explain(records: Records, state: str, replies: Sequence[Delivery]) -> Why | None:
    """Return why there is no reply, or another one than was asked for; None where nothing is to be explained.

    `state` is the journey's; `replies` are the deliveries to the customer that count.
    """
    answer = list(dict.fromkeys(_answers(records, state, replies)))
    return Why(_QUESTIONS[state], answer) if answer else None


def _answers(records: Records, state: str, replies: Sequence[Delivery]) -> Iterator[str]:
    match state:
        case "blocked":
            yield from _blocks(records, "hard", _STOPPED)
            yield from (one.error_text for one in replies if one.state == "cancelled" and one.error_text)
        case "failed":
            yield from _failures(records, replies)
        case "under_way":
            yield from _waits(records, replies)
        case "answered" if records.replies and records.replies[-1].author == "system":
            yield from _blocks(records, "soft", _LIMITED)
        case _:
            for message in records.inbound:
                why = _BY_OUTCOME.get(message.outcome or "")
                if why is not None and state != "answered":
                    yield why


def _blocks(records: Records, block: str, sentence: str) -> Iterator[str]:
    for log in records.decisions:
        if log.block == block and not _is_about_owner(log):
            asked = str(log.inputs.get("asked", log.guard))
            yield sentence.format(question=words.GUARDS.get(asked, asked), reason=log.reason)


def _is_about_owner(log: GuardLog) -> bool:
    return log.guard in _OF_THE_OWNER or log.inputs.get("asked") in _OF_THE_OWNER


def _failures(records: Records, replies: Sequence[Delivery]) -> Iterator[str]:
    for delivery in replies:
        if delivery.state in {"failed", "undelivered"}:
            code = f" (code {delivery.error_code})" if delivery.error_code else ""
            what = words.PURPOSES.get(delivery.purpose, "The text")
            how = "was refused" if delivery.state == "failed" else "was taken by the provider and did not arrive"
            yield f"{what} {how}{code}. {delivery.error_text or ''}".rstrip()
    for job in records.jobs:
        if job.state == "dead":
            name = words.JOBS.get(job.kind, job.kind)
            times = "" if job.attempt <= 1 else f" {job.attempt} times"
            yield f"{name} failed{times} and waits for a person now: {job.last_error or 'no reason is on record.'}"


def _waits(records: Records, replies: Sequence[Delivery]) -> Iterator[str]:
    for job in records.jobs:
        if job.state in LIVE_STATES and (job.kind in words.JOBS) and not job.kind.startswith("webhooks"):
            yield _wait(job)
    if any(delivery.state == "unknown" for delivery in replies):
        yield (
            "The provider did not say whether it took the reply. It is looked for there before anything is sent"
            " again, so that nobody gets it twice."
        )
    asked = [one.asked_person_at for one in replies if one.state == "unknown" and one.asked_person_at is not None]
    if asked:
        yield f"The provider can't tell either: a person has to decide, since {_time(asked[0])}."
    yield from _blocks(records, "soft", _LIMITED)


def _wait(job: Job) -> str:
    name = words.JOBS.get(job.kind, job.kind)
    match job.state:
        case "executing":
            return f"{name} is being done now."
        case "available":
            return f"{name} waits for a free worker since {_time(max(job.created_at, job.run_at))}."
        case "retryable":
            return f"{name} failed and is tried again at {_time(job.run_at)}: {job.last_error or 'no reason is known.'}"
        case _:
            return f"{name} is put off until {_time(job.run_at)}."


def _time(at: datetime) -> str:
    return f"{at:%H:%M:%S} UTC on {at.day} {at:%B}"
