"""Write counts: one statement a table, of bounded size, that adds them to what is there.

All processes add to rows of the present minute and hour, so rows are locked in one order everywhere: by their keys, as
bytes. What belongs to an organization or client that is gone meanwhile is left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from psycopg.types.json import Json

from domain.kernel.database import raw_connection
from domain.statistics.figures import COLUMNS, Counts
from domain.statistics.rows import Record, activity_records, job_records

if TYPE_CHECKING:
    import psycopg
    from sqlalchemy.orm import Session

STATEMENT_ROWS: Final = 1_000
# Forgetting an interval when the server crashes is what statistics may do; waiting for its disk is not worth it.
_NO_FLUSH: Final = "SET LOCAL synchronous_commit = off"
# {sums} adds what is stored and what comes, number by number.
_JOBS: Final = """
    INSERT INTO job_statistics AS s (org_id, {names})
    SELECT d.org_id, {values} FROM {records} JOIN organizations o ON o.id = d.org_id
    ORDER BY d.org_id, d.step COLLATE "C", d.kind COLLATE "C", d.at, d.queue COLLATE "C"
    ON CONFLICT (org_id, step, kind, at, queue) DO UPDATE SET {sums}
"""
_PLATFORM_JOBS: Final = """
    INSERT INTO platform_job_statistics AS s ({names})
    SELECT {values} FROM {records}
    ORDER BY d.step COLLATE "C", d.kind COLLATE "C", d.at, d.queue COLLATE "C"
    ON CONFLICT (step, kind, at, queue) DO UPDATE SET {sums}
"""
_HISTOGRAM_SUM: Final = """
    {name} = (SELECT array_agg(coalesce(a, 0) + coalesce(b, 0) ORDER BY place)
              FROM unnest(s.{name}, excluded.{name}) WITH ORDINALITY AS u (a, b, place))
"""
_RECORDS: Final = """
    json_to_recordset(%s) AS d (org_id uuid, step text, at timestamptz, kind text, queue text, {ended},
                                wait_ms bigint, run_ms bigint, waits integer[], runs integer[])
"""
_NUMBERS: Final = (*COLUMNS.values(), "wait_ms", "run_ms")
_HISTOGRAMS: Final = ("waits", "runs")
_NAMES: Final = ("step", "at", "kind", "queue", *_NUMBERS, *_HISTOGRAMS)
_PARTS: Final = {
    "{names}": ", ".join(_NAMES),
    "{values}": ", ".join(f"d.{name}" for name in _NAMES),
    "{records}": _RECORDS.replace("{ended}", ", ".join(f"{column} integer" for column in COLUMNS.values())),
    "{sums}": ", ".join(
        [f"{name} = s.{name} + excluded.{name}" for name in _NUMBERS]
        + [_HISTOGRAM_SUM.replace("{name}", name) for name in _HISTOGRAMS]
    ),
}
_ACTIVITIES: Final = """
    INSERT INTO activity_statistics AS s (org_id, client_id, step, at, activity, label, times)
    SELECT d.org_id, d.client_id, d.step, d.at, d.activity, d.label, d.times
    FROM json_to_recordset(%s) AS d (org_id uuid, client_id uuid, step text, at timestamptz, activity text, label text,
                                     times bigint)
        JOIN organizations o ON o.id = d.org_id LEFT JOIN clients c ON c.org_id = d.org_id AND c.id = d.client_id
    WHERE d.client_id IS NULL OR c.id IS NOT NULL
    ORDER BY d.org_id, d.step COLLATE "C", d.activity COLLATE "C", d.at, d.label COLLATE "C", d.client_id NULLS FIRST
    ON CONFLICT (org_id, step, activity, client_id, at, label) DO UPDATE SET times = s.times + excluded.times
"""
_PLATFORM_ACTIVITIES: Final = """
    INSERT INTO platform_activity_statistics AS s (step, at, activity, label, times)
    SELECT d.step, d.at, d.activity, d.label, d.times
    FROM json_to_recordset(%s) AS d (step text, at timestamptz, activity text, label text, times bigint)
    ORDER BY d.step COLLATE "C", d.activity COLLATE "C", d.at, d.label COLLATE "C"
    ON CONFLICT (step, activity, at, label) DO UPDATE SET times = s.times + excluded.times
"""


def write(session: Session, counts: Counts) -> None:
    """Add counts to what is stored, in the caller's transaction. Needs a platform scope."""
    connection = raw_connection(session)
    connection.execute(_NO_FLUSH)
    for platform, statement in ((False, _JOBS), (True, _PLATFORM_JOBS)):
        _execute(connection, _whole(statement), job_records(counts.jobs, platform=platform))
    for platform, statement in ((False, _ACTIVITIES), (True, _PLATFORM_ACTIVITIES)):
        _execute(connection, statement, activity_records(counts.activities, platform=platform))


def _whole(statement: str) -> str:
    for name, part in _PARTS.items():
        statement = statement.replace(name, part)
    return statement


def _execute(connection: psycopg.Connection[Any], statement: str, records: Sequence[Record]) -> None:
    for start in range(0, len(records), STATEMENT_ROWS):
        connection.execute(statement.encode(), (Json(records[start : start + STATEMENT_ROWS]),))
