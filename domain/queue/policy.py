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
LONGEST_RETRY_AFTER: Final = timedelta(days=30)
"""Whoever asks for more is taken to have made a mistake."""
LOST_LIMIT: Final = 3
"""A job whose worker died this many times under it is taken to be what kills it."""
SUSPECT_LOSSES: Final = LOST_LIMIT - 1
"""From then on a job runs alone in its process: its next loss would be its last, so it must be by its own doing."""
REASON_LENGTH: Final = 2_000

AttemptOutcome = Literal["completed", "retry", "snoozed", "cancelled", "dead", "lost", "handed_back"]

_DAYS: Final = "(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?"
_MONTHS: Final = (
    "jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?"
    "|nov(?:ember)?|dec(?:ember)?"
)
# What differs between failures of one cause, most telling first: addresses of the web and of files, what is quoted (an
# apostrophe within a word quotes nothing), what redaction left, and every word with a digit in it: an id, a number, a
# time, a code. Ids without a dash or digit are too rare to look for.
_VARIABLE = re.compile(
    rf"""
    \b[a-z][a-z0-9+.-]*://[^\s'"<>`]+
    | \[(?:phone|email|secret|text|row)[^\]]*\]
    | (?<!\w)'[^']*'(?!\w) | (?<!\w)"[^"]*"(?!\w) | `[^`]*` | \u201c[^\u201d]*\u201d | \u2018[^\u2019]*\u2019
    | (?<![\w/])(?:[a-z]:|~|\.{1, 2})?(?:[/\\][\w.@%+~=-]+){{2,}}[/\\]?
    | [0-9a-f]{{8}}-[0-9a-f-]{{27}}
    | (?:\b(?:{_DAYS}|{_MONTHS})[\s,]+)*
      [+-]?\b\w*\d\w*(?:\.\d\w*)*
    """,
    re.IGNORECASE | re.VERBOSE,
)
# A list of three numbers and one of two, a date with and without its zone: all are one.
_RUN = re.compile(
    rf"""
    \#(?:[\s.,:;/+()-]*(?:\b(?:and|of|{_MONTHS})\b[\s,-]*)?\#)*
    (?:\s*(?:gmt|utc|am|pm)\b)?
    """,
    re.IGNORECASE | re.VERBOSE,
)


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
    """Return 16 hex digits that are equal for failures of one cause.

    Ids, numbers, times, quoted values, paths, phone numbers and e-mail addresses in the reason make no difference.
    """
    shape = _RUN.sub("#", _VARIABLE.sub("#", _clean(reason)))
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
            return _failed("dead", "dead", kind, reason, error_class)
        case Retry(reason, after, error_class) if last_try:
            return _failed("dead", "dead", kind, reason, error_class)
        case Retry(reason, after, error_class):
            delay = backoff(tries, rng=rng)
            if after is not None:
                wait = min(max(after, timedelta(0)), LONGEST_RETRY_AFTER)
                delay = max(delay, wait * (1 + RETRY_AFTER_SPREAD * _random(rng)))
            return _failed("retryable", "retry", kind, reason, error_class, delay)
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


def _failed(
    state: State, outcome: AttemptOutcome, kind: str, reason: str, error_class: str, delay: timedelta | None = None
) -> Ending:
    reason, error_class = _clean(reason), _clean(error_class)
    return Ending(state, outcome, reason, error_class, fingerprint(kind, error_class, reason), delay)


def _clean(text: str) -> str:
    # PostgreSQL stores neither NUL nor half of a surrogate pair; what an error quotes may hold both.
    storable = text.replace("\x00", "").encode("utf-8", "replace").decode()
    return redact_text(storable)[:REASON_LENGTH]


UNWRITABLE: Final = Ending(
    "dead",
    "dead",
    "What it came to could not be stored.",
    "UnwritableEnd",
    fingerprint("", "UnwritableEnd", ""),
)
