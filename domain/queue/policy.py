"""How an outcome ends a run: pure decisions about state, delay and fingerprint.

Back-off is "full jitter" (AWS Architecture Blog, "Exponential Backoff And Jitter", 2015): uniform between nothing and
a doubling, capped ceiling, so that jobs that failed together do not come back together.
"""

from __future__ import annotations

import hashlib
import random
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal, assert_never

from domain.kernel.redaction import redact_text
from domain.queue.names import State
from domain.queue.outcome import Cancel, Dead, Done, Outcome, Retry, Snooze

BASE_DELAY: Final = timedelta(seconds=2)
MAX_DELAY: Final = timedelta(hours=1)
RETRY_AFTER_SPREAD: Final = 0.1
"""A `Retry-After` is a least wait; up to a tenth is added, so that all who were told the same do not return at once."""
LOST_LIMIT: Final = 3
"""A job whose worker died this many times under it is taken to be what kills it."""
REASON_LENGTH: Final = 2_000

AttemptOutcome = Literal["completed", "retry", "snoozed", "cancelled", "dead", "lost", "handed_back"]

_VARIABLE = re.compile(r"0x[0-9a-f]+|[0-9a-f]{8}-[0-9a-f-]{27}|\d+|'[^']*'|\"[^\"]*\"", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Ending:
    """How a run ends: the job's next state, and what its attempt row says.

    `delay` counts from the database's clock and wins over `run_at`; both None leave the time alone.
    """

    state: State
    outcome: AttemptOutcome
    reason: str = ""
    error_class: str = ""
    fingerprint: str | None = None
    delay: timedelta | None = None
    run_at: datetime | None = None
    keeps_try: bool = False


def backoff(tries: int, *, rng: random.Random | None = None) -> timedelta:
    """Return the wait after the `tries`-th failed try (from 1)."""
    ceiling = min(MAX_DELAY, BASE_DELAY * (1 << min(max(tries, 1) - 1, 30)))
    return ceiling * _random(rng)


def fingerprint(kind: str, error_class: str, reason: str) -> str:
    """Return 16 hex digits that are equal for failures of one cause: ids, numbers and quoted values are ignored."""
    shape = _VARIABLE.sub("#", reason)
    return hashlib.sha256(f"{kind}\n{error_class}\n{shape}".encode()).hexdigest()[:16]


def ending(outcome: Outcome, *, kind: str, tries: int, last_try: bool, rng: random.Random | None = None) -> Ending:
    """Return how `outcome` ends a run that was the job's `tries`-th try (from 1), and perhaps its last."""
    match outcome:
        case Done(note):
            return Ending("completed", "completed", _clean(note))
        case Cancel(reason):
            return Ending("cancelled", "cancelled", _clean(reason))
        case Snooze(until, reason):
            return Ending("scheduled", "snoozed", _clean(reason), run_at=until, keeps_try=True)
        case Dead(reason, error_class):
            return _dead(kind, _clean(reason), error_class)
        case Retry(reason, after, error_class) if last_try:
            return _dead(kind, _clean(reason), error_class)
        case Retry(reason, after, error_class):
            delay = backoff(tries, rng=rng)
            if after is not None:
                delay = max(delay, after * (1 + RETRY_AFTER_SPREAD * _random(rng)))
            return Ending(
                "retryable", "retry", _clean(reason), error_class, fingerprint(kind, error_class, reason), delay
            )
        case _:
            assert_never(outcome)


def lost(*, kind: str, lost_count: int, rng: random.Random | None = None) -> Ending:
    """Return how a run ends whose worker is gone, when that happened `lost_count` times with this one."""
    if lost_count >= LOST_LIMIT:
        reason = f"Its worker died under it {lost_count} times; it was stopped before it kills another."
        return Ending("dead", "lost", reason, "WorkerKilled", fingerprint(kind, "WorkerKilled", ""))
    # The first time, the job is most likely a bystander of a crash or a deployment: run it at once.
    delay = timedelta(0) if lost_count <= 1 else backoff(lost_count + 2, rng=rng)
    state: State = "available" if lost_count <= 1 else "retryable"
    return Ending(state, "lost", "Its worker stopped without a word.", "WorkerLost", delay=delay, keeps_try=True)


HANDED_BACK: Final = Ending(
    "available", "handed_back", "Its worker was told to stop before it was done.", delay=timedelta(0), keeps_try=True
)


def _random(rng: random.Random | None) -> float:
    return random.random() if rng is None else rng.random()  # noqa: S311  jitter is no secret


def _dead(kind: str, reason: str, error_class: str) -> Ending:
    return Ending("dead", "dead", reason, error_class, fingerprint(kind, error_class, reason))


def _clean(reason: str) -> str:
    return redact_text(reason).replace("\x00", "")[:REASON_LENGTH]
