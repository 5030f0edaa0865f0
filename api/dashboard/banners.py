"""What stands on top of the overview: that which needs a person now."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from api.dashboard.job_sources import dead_count, statuses
from api.dashboard.message_sources import MOST_NOTICES, waiting_notices
from api.dashboard.system_sources import STALLED_AFTER, crew, dispatcher_lag, maintenance, open_circuits, spool
from api.dashboard.words import duration
from domain.notices.raising import NoticeKind
from domain.queue.stats import COUNT_LIMIT

if TYPE_CHECKING:
    from api.dashboard.asked import Asked
    from api.dashboard.tables import Tone

UNREACHABLE: Final = "Requests are saved but you won't be alerted."
_SAID_OTHERWISE: Final = frozenset({NoticeKind.DEAD_LETTER, NoticeKind.CIRCUIT_OPEN, NoticeKind.OWNER_UNREACHABLE})
"""Notices of what another banner tells."""


@dataclass(frozen=True, slots=True)
class Banner:
    """One thing that needs a person; `href` is where they can do something about it."""

    tone: Tone
    words: str
    href: str | None = None


def banners(asked: Callable[[str], Asked | None]) -> Sequence[Banner]:
    """Return what needs whoever asks. `asked` gives a question by a permission, None for one that they lack."""
    found: list[Banner] = []
    for permission, look in _LOOKS:
        question = asked(permission)
        if question is not None:
            found += look(question)
    return found


def _notices(asked: Asked) -> Iterator[Banner]:
    notices = waiting_notices(asked)
    unreachable = [notice.words for notice in notices if notice.kind == NoticeKind.OWNER_UNREACHABLE]
    if unreachable:
        more = f" And {len(unreachable) - 1} more." if len(unreachable) > 1 else ""
        yield Banner("bad", f"{UNREACHABLE} {unreachable[0]}{more}", "#notices")
    others = [notice for notice in notices if notice.kind not in _SAID_OTHERWISE]
    if others:
        least = "At least " if len(notices) == MOST_NOTICES else ""
        things = "thing waits" if len(others) == 1 else "things wait"
        yield Banner("limited", f"{least}{len(others)} {things} for a person.", "#notices")


def _queues(asked: Asked) -> Iterator[Banner]:
    for status in statuses(asked):
        if status.paused_at is not None:
            because = f": {status.because}" if status.because else ""
            yield Banner("limited", f"The queue {status.name} is paused{because}", "/dashboard/queues")


def _workers(asked: Asked) -> Iterator[Banner]:
    unstaffed = [queue.queue for queue in crew(asked).staffing if not queue.workers and not queue.paused]
    if unstaffed:
        queues = "queue" if len(unstaffed) == 1 else "queues"
        yield Banner("bad", f"No worker takes jobs of the {queues} {', '.join(unstaffed)}.", "/dashboard/workers")


def _dispatcher(asked: Asked) -> Iterator[Banner]:
    lag = dispatcher_lag(asked)
    if not crew(asked).schedulers:
        yield Banner("bad", "No scheduler runs: retries, schedules and lost jobs wait.", "/dashboard/workers")
    elif lag > STALLED_AFTER:
        words = f"The dispatcher is stalled: a job has been due for {duration(lag)} and is not handed out."
        yield Banner("bad", words, "/dashboard/queues")


def _spool(asked: Asked) -> Iterator[Banner]:
    for store in spool(asked):
        if store.entries:
            words = f"{store.entries} webhooks wait for the database, the oldest for {duration(store.oldest_seconds)}."
            yield Banner("limited", f"{words} ({store.store})")
        if store.rejected:
            yield Banner("bad", f"{store.rejected} webhooks were kept aside for a person. ({store.store})")


def _circuits(asked: Asked) -> Iterator[Banner]:
    found = open_circuits(asked)
    if found:
        providers = ", ".join(sorted({circuit.provider for circuit in found}))
        yield Banner("limited", f"Calls to {providers} fail, so they wait for {len(found)} clients.", "#circuits")


def _dead_letters(asked: Asked) -> Iterator[Banner]:
    count = dead_count(asked)
    if count:
        least = "At least " if count >= COUNT_LIMIT else ""
        letters = "dead letter waits" if count == 1 else "dead letters wait"
        yield Banner("bad", f"{least}{count:,} {letters} for a person.", "/dashboard/dead-letters")


def _schedules(asked: Asked) -> Iterator[Banner]:
    for one in maintenance(asked):
        if one.standing in {"late", "failed", "unfinished"}:
            yield Banner("bad", f"Maintenance: {one.work.name} is {one.standing}.", "/dashboard/schedules")


_LOOKS: Final[Sequence[tuple[str, Callable[[Asked], Iterator[Banner]]]]] = (
    ("notices.view", _notices),
    ("queues.view", _queues),
    ("health.view", _workers),
    ("health.view", _dispatcher),
    ("health.view", _spool),
    ("health.view", _circuits),
    ("dead_letters.view", _dead_letters),
    ("health.view", _schedules),
)
