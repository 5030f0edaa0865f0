"""Turn counts into rows: each three times, by minute, ten minutes and hour, and with everything together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from domain.statistics.figures import ALL_KINDS, COLUMNS, ActivityKey, JobFigures, JobKey
from domain.statistics.steps import Step, begin

Record = Mapping[str, Any]
"""A row as JSON has it."""
_NO_CLIENT: Final = ""


class JobRow(NamedTuple):
    """The key of a row of `job_statistics`, in the order in which rows are locked; the platform's have no `org_id`."""

    org_id: str
    step: str
    kind: str
    at: datetime
    queue: str


class ActivityRow(NamedTuple):
    """The key of a row of `activity_statistics`, as above; `client_id` is '' for the organization's own row."""

    org_id: str
    step: str
    activity: str
    at: datetime
    label: str
    client_id: str


def job_records(counted: Mapping[JobKey, JobFigures], *, platform: bool) -> list[Record]:
    """Return the rows that hold these counts, in the order of their keys; `platform`: of all organizations together."""
    rows: dict[JobRow, JobFigures] = {}
    for key, figures in counted.items():
        for step, at in _steps(key.minute):
            for kind, queue in ((key.kind, key.queue), (ALL_KINDS, ALL_KINDS)):
                row = JobRow("" if platform else str(key.org_id), step, kind, at, queue)
                rows.setdefault(row, JobFigures()).add(figures)
    return [_job_record(row, figures) for row, figures in sorted(rows.items(), key=lambda item: item[0])]


def activity_records(counted: Mapping[ActivityKey, int], *, platform: bool) -> list[Record]:
    """Return the rows that hold these counts, in the order of their keys; `platform`: of all organizations together."""
    rows: dict[ActivityRow, int] = {}
    for key, times in counted.items():
        for step, at in _steps(key.minute):
            for client_id in _clients(key.client_id, platform=platform):
                org_id = "" if platform else str(key.org_id)
                row = ActivityRow(org_id, step, key.activity, at, key.label, client_id)
                rows[row] = rows.get(row, 0) + times
    return [_activity_record(row, times) for row, times in sorted(rows.items())]


def _steps(minute: int) -> Iterator[tuple[str, datetime]]:
    at = datetime.fromtimestamp(minute, UTC)
    return ((step.value, begin(step, at)) for step in Step)


def _clients(client_id: UUID | None, *, platform: bool) -> Iterable[str]:
    """Return whose rows count it: what belongs to a client belongs to its organization too."""
    if platform or client_id is None:
        return (_NO_CLIENT,)
    return (_NO_CLIENT, str(client_id))


def _job_record(row: JobRow, figures: JobFigures) -> Record:
    return {
        "org_id": row.org_id or None,
        "step": row.step,
        "at": row.at.isoformat(),
        "kind": row.kind,
        "queue": row.queue,
        "wait_ms": figures.wait_ms,
        "run_ms": figures.run_ms,
        "waits": figures.waits,
        "runs": figures.runs,
        **{column: figures.ended.get(column, 0) for column in COLUMNS.values()},
    }


def _activity_record(row: ActivityRow, times: int) -> Record:
    return {
        "org_id": row.org_id or None,
        "client_id": row.client_id or None,
        "step": row.step,
        "at": row.at.isoformat(),
        "activity": row.activity,
        "label": row.label,
        "times": times,
    }
