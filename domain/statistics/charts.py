"""Read what was counted: about as many rows as a chart has points, however much happened.

In a tenant's scope these are the organization's counts; in one that is narrowed to clients, theirs; in the platform's,
those of all organizations together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from domain.kernel.database import raw_connection
from domain.statistics.figures import ALL_KINDS, COLUMNS, JobFigures
from domain.statistics.steps import Span, points, step_of

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from domain.statistics.activities import Activity

_ENDED: Final = tuple(COLUMNS.values())
_FIGURES: Final = f"{', '.join(_ENDED)}, wait_ms, run_ms, waits, runs"
_JOBS: Final = """
    SELECT at, {figures} FROM job_statistics
    WHERE org_id = %(org_id)s AND kind = %(kind)s AND step = %(step)s AND at BETWEEN %(first)s AND %(last)s
""".replace("{figures}", _FIGURES)
_PLATFORM_JOBS: Final = """
    SELECT at, {figures} FROM platform_job_statistics
    WHERE kind = %(kind)s AND step = %(step)s AND at BETWEEN %(first)s AND %(last)s
""".replace("{figures}", _FIGURES)
_OF_ORGANIZATION: Final = """
    SELECT at, label, times FROM activity_statistics
    WHERE org_id = %(org_id)s AND activity = %(activity)s AND client_id IS NULL
        AND step = %(step)s AND at BETWEEN %(first)s AND %(last)s
"""
_OF_CLIENTS: Final = _OF_ORGANIZATION.replace("client_id IS NULL", "client_id = ANY(%(clients)s::uuid[])")
_OF_ALL: Final = """
    SELECT at, label, times FROM platform_activity_statistics
    WHERE activity = %(activity)s AND step = %(step)s AND at BETWEEN %(first)s AND %(last)s
"""
# One probe of the index for each kind there is, then the rows of its steps; OFFSET 0 keeps the planner from a join that
# reads all.
_BY_KIND: Final = """
    WITH RECURSIVE kinds AS (
        (SELECT kind FROM {table} WHERE {whose} step = %(step)s AND kind > '' ORDER BY kind LIMIT 1)
        UNION ALL
        SELECT following.kind FROM kinds CROSS JOIN LATERAL (
            SELECT kind FROM {table} WHERE {whose} step = %(step)s AND kind > kinds.kind ORDER BY kind LIMIT 1
        ) following
    )
    SELECT kinds.kind, {figures} FROM kinds CROSS JOIN LATERAL (
        SELECT * FROM {table}
        WHERE {whose} step = %(step)s AND kind = kinds.kind AND at BETWEEN %(first)s AND %(last)s
        OFFSET 0
    ) counted
""".replace("{figures}", _FIGURES)
_BY_KIND_OF_ALL: Final = _BY_KIND.replace("{table}", "platform_job_statistics").replace("{whose}", "")
_BY_KIND_OF_ORGANIZATION: Final = _BY_KIND.replace("{table}", "job_statistics").replace(
    "{whose}", "org_id = %(org_id)s AND"
)


@dataclass(frozen=True, slots=True)
class JobPoint:
    """What ended within one step that began at `at`."""

    at: datetime
    figures: JobFigures


@dataclass(frozen=True, slots=True)
class ActivityPoint:
    """How often something happened within one step that began at `at`, by label."""

    at: datetime
    times: Mapping[str, int] = field(default_factory=dict)


def job_points(session: Session, span: Span, *, now: datetime, kind: str | None = None) -> Sequence[JobPoint]:
    """Return the attempts of a span that ends at `now`, of one kind of job or of all; each step has a point."""
    org_id: UUID | None = session.info.get("org_id")
    parameters = _parameters(span, now) | {"org_id": org_id, "kind": kind or ALL_KINDS}
    found = {at: JobFigures() for at in points(span, now)}
    query = _PLATFORM_JOBS if org_id is None else _JOBS
    for at, *row in raw_connection(session).execute(query, parameters):
        found.setdefault(at, JobFigures()).add(_figures(row))
    return [JobPoint(at, figures) for at, figures in found.items()]


def jobs_by_kind(session: Session, span: Span, *, now: datetime) -> Mapping[str, JobFigures]:
    """Return the attempts of a span together, for each kind of job that had any, by name."""
    org_id: UUID | None = session.info.get("org_id")
    query = _BY_KIND_OF_ALL if org_id is None else _BY_KIND_OF_ORGANIZATION
    parameters = _parameters(span, now) | {"org_id": org_id}
    found: dict[str, JobFigures] = {}
    for kind, *row in raw_connection(session).execute(query, parameters):
        found.setdefault(kind, JobFigures()).add(_figures(row))
    return dict(sorted(found.items()))


def activity_points(session: Session, activity: Activity, span: Span, *, now: datetime) -> Sequence[ActivityPoint]:
    """Return how often something happened in a span that ends at `now`; each step has a point."""
    org_id: UUID | None = session.info.get("org_id")
    clients = session.info.get("client_ids")
    query = _OF_ALL if org_id is None else _OF_ORGANIZATION if clients is None else _OF_CLIENTS
    parameters = _parameters(span, now) | {
        "org_id": org_id,
        "activity": activity.value,
        "clients": sorted(clients or ()),
    }
    found: dict[datetime, dict[str, int]] = {at: {} for at in points(span, now)}
    for at, label, times in raw_connection(session).execute(query, parameters):
        labels = found.setdefault(at, {})
        labels[label] = labels.get(label, 0) + times
    return [ActivityPoint(at, labels) for at, labels in found.items()]


def _parameters(span: Span, now: datetime) -> dict[str, Any]:
    drawn = points(span, now)
    return {"step": step_of(span).value, "first": drawn[0], "last": drawn[-1]}


def _figures(row: Sequence[Any]) -> JobFigures:
    *ended, wait_ms, run_ms, waits, runs = row
    return JobFigures(dict(zip(_ENDED, ended, strict=True)), wait_ms, run_ms, waits, runs)
