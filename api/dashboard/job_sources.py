"""Parts of the overview about jobs: how many, how fast, and what failed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from api.dashboard.parts import Chart, Figure, Rows, Series
from api.dashboard.tables import Column, Link, State, Table
from api.dashboard.words import duration
from domain.queue.overview import QueueStatus, queue_statuses
from domain.queue.stats import COUNT_LIMIT
from domain.statistics.charts import JobPoint, job_points, jobs_by_kind
from domain.statistics.figures import FAILED, JobFigures
from domain.statistics.histogram import percentile
from domain.statistics.steps import WIDTHS, Span, step_of

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from api.dashboard.asked import Asked

IN_WORDS: Final = {Span.HOUR: "the last hour", Span.DAY: "the last 24 hours", Span.WEEK: "the last 7 days"}
_SHARES: Final = ((0.5, "p50"), (0.95, "p95"), (0.99, "p99"))
_PUT_OFF: Final = ("snoozed", "cancelled", "handed_back")
_QUEUES: Final = (
    Column("queue", "Queue"),
    Column("state", "State", "state"),
    Column("available", "Waiting", "number"),
    Column("oldest", "Oldest waits", "duration"),
    Column("executing", "Running", "number"),
    Column("later", "Due later", "number"),
)
_KINDS: Final = (
    Column("kind", "Kind", "link"),
    Column("ended", "Attempts", "number"),
    Column("failed", "Failed", "number"),
    Column("wait", "Wait, p95", "duration"),
    Column("run", "Run, p95", "duration"),
)


def throughput(asked: Asked) -> Chart:
    """Return attempts a minute, by how they ended."""
    points = _points(asked)
    minutes = WIDTHS[step_of(asked.span)].total_seconds() / 60
    whole = _whole(points)
    rates = [point.figures.total() / minutes for point in points]
    summary = f"{whole.total():,} attempts in {IN_WORDS[asked.span]}, {max(rates):,.0f} a minute at most."

    def a_minute(*columns: str) -> Sequence[float]:
        return [round(point.figures.total(columns) / minutes, 2) for point in points]

    return Chart(
        [point.at for point in points],
        [
            Series("Completed", a_minute("completed"), "good"),
            Series("Failed", a_minute(*FAILED), "bad", dashed=True),
            Series("Put off", a_minute(*_PUT_OFF), "waiting", dashed=True),
        ],
        summary,
        "a minute",
    )


def waits(asked: Asked) -> Chart:
    """Return how long jobs waited since they were due, and how long they ran."""
    points = _points(asked)
    whole = _whole(points)
    series = [
        Series(f"Wait, {name}", [_seconds(point.figures.waits, share) for point in points], "first", dashed=share > 0.5)  # noqa: PLR2004
        for share, name in _SHARES
    ] + [
        Series(f"Run, {name}", [_seconds(point.figures.runs, share) for point in points], "second", dashed=share > 0.5)  # noqa: PLR2004
        for share, name in _SHARES
    ]
    return Chart([point.at for point in points], series, _times_in_words(whole), "s")


def failures(asked: Asked) -> Chart:
    """Return attempts that failed, by what follows."""
    points = _points(asked)
    whole = _whole(points)
    failed, ended = whole.total(FAILED), whole.total()
    share = f" ({failed / ended:.1%} of all attempts)" if ended else ""
    return Chart(
        [point.at for point in points],
        [
            Series("Tried again", [point.figures.total(["retried"]) for point in points], "limited"),
            Series("Dead", [point.figures.total(["dead"]) for point in points], "bad"),
            Series("Lost with their worker", [point.figures.total(["lost"]) for point in points], "plain"),
        ],
        f"{failed:,} failed in {IN_WORDS[asked.span]}{share}.",
        bars=True,
    )


def by_kind(asked: Asked) -> Rows:
    """Return the kinds of jobs, those first that failed most and then that ran most."""
    found = asked.read("jobs_by_kind", lambda session: jobs_by_kind(session, asked.span, now=asked.now), by=asked.span)
    kinds = sorted(found.items(), key=lambda item: (-item[1].total(FAILED), -item[1].total(), item[0]))
    rows = [
        (
            Link(kind, f"/dashboard/overview?span={asked.span.value}&kind={kind}"),
            figures.total(),
            figures.total(FAILED),
            _seconds(figures.waits, 0.95),
            _seconds(figures.runs, 0.95),
        )
        for kind, figures in kinds
    ]
    return Rows(Table(_KINDS, rows, empty=f"No job ran in {IN_WORDS[asked.span]}.", caption="Jobs by kind"))


def queue_depth(asked: Asked) -> Rows:
    """Return the queues, and what waits in them."""
    rows = [
        (
            status.name,
            _standing(status),
            status.jobs.get("available", 0),
            status.oldest_seconds,
            status.jobs.get("executing", 0),
            status.jobs.get("scheduled", 0) + status.jobs.get("retryable", 0),
        )
        for status in statuses(asked)
    ]
    return Rows(Table(_QUEUES, rows, empty="There is no queue.", caption="Queue depth and oldest job"))


def dead_letters(asked: Asked) -> Figure:
    """Return how many dead letters wait for a person."""
    count = dead_count(asked)
    words = "dead letters, at least" if count >= COUNT_LIMIT else "dead letter" if count == 1 else "dead letters"
    return Figure(count, words, "/dashboard/dead-letters", "bad" if count else "good")


def statuses(asked: Asked) -> Sequence[QueueStatus]:
    """Return the queues of the platform."""
    return asked.read_platform("queue_statuses", queue_statuses)


def dead_count(asked: Asked) -> int:
    """Return how many dead letters there are, COUNT_LIMIT for that many or more."""
    return min(COUNT_LIMIT, sum(status.jobs.get("dead", 0) for status in statuses(asked)))


def _points(asked: Asked) -> Sequence[JobPoint]:
    def read(session: Session) -> Sequence[JobPoint]:
        return job_points(session, asked.span, now=asked.now, kind=asked.kind)

    return asked.read("job_points", read, by=(asked.span, asked.kind))


def _whole(points: Sequence[JobPoint]) -> JobFigures:
    whole = JobFigures()
    for point in points:
        whole.add(point.figures)
    return whole


def _seconds(counts: Sequence[int], share: float) -> float | None:
    found = percentile(counts, share)
    return None if found is None else round(found / 1000, 4)


def _times_in_words(whole: JobFigures) -> str:
    if not any(whole.waits):
        return "No job ran."
    waited = [duration(_seconds(whole.waits, share)) for share, _ in _SHARES]
    ran = [duration(_seconds(whole.runs, share)) for share, _ in _SHARES]
    return (
        f"Half waited {waited[0]} at most, 95% {waited[1]}, 99% {waited[2]}."
        f" Half ran {ran[0]} at most, 95% {ran[1]}, 99% {ran[2]}."
    )


def _standing(status: QueueStatus) -> State:
    if status.paused_at is not None:
        return State("limited", "paused", status.because or "")
    if status.draining_at is not None:
        return State("waiting", "draining", status.because or "")
    return State("good", "open")
