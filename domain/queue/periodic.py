"""Ask for periodic work once a period, however many ask: the table `schedules` and the database's clock decide.

A period begins when its work is asked for. One that was missed, because nobody was there to ask, is made up for once.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from domain.kernel.database import raw_connection
from domain.kernel.ids import PLATFORM_ORG_ID
from domain.queue.enqueue import enqueue
from domain.queue.message import Message

if TYPE_CHECKING:
    import psycopg
    from sqlalchemy.orm import Session

# A time that lies more than a period ahead was written before the clock was set back: waiting for it could take years.
_LOOK: Final = """
    SELECT p.name, coalesce(extract(epoch FROM s.asked_at), 0)::float8,
           s.name IS NULL OR s.asked_at NOT BETWEEN now() - p.every AND now() + p.every
    FROM unnest(%s::text[], %s::interval[]) AS p (name, every) LEFT JOIN schedules s ON s.name = p.name
"""
_ASK: Final = """
    INSERT INTO schedules AS s (name, asked_at) VALUES (%(name)s, now())
    ON CONFLICT (name) DO UPDATE SET asked_at = now()
    WHERE s.asked_at NOT BETWEEN now() - %(every)s AND now() + %(every)s
"""


def look(connection: psycopg.Connection[Any], periods: Mapping[str, timedelta]) -> Mapping[str, tuple[float, bool]]:
    """Return for each name when it was asked for last (seconds since 1970, 0 for never), and whether it is due."""
    rows = connection.execute(_LOOK, [list(periods), list(periods.values())], prepare=True).fetchall()
    return {name: (asked_at, is_due) for name, asked_at, is_due in rows}


def ask(session: Session, name: str, every: timedelta, message: Message) -> bool:
    """Enqueue a platform job unless it was asked for within the period; return whether this call asked for it.

    Run in a platform scope. The job has `name` as its unique key: while a slow run lasts there is no second.
    """
    if raw_connection(session).execute(_ASK, {"name": name, "every": every}).rowcount == 0:
        return False
    enqueue(session, message, org_id=PLATFORM_ORG_ID, subject=f"schedule:{name}", unique_key=name)
    return True
