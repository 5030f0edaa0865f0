"""Limits on how many jobs run at once and how many start a minute, changed while everything runs.

A limit counts the jobs that fit all of its parts: a tenant, a kind, a key (`enqueue(..., limit_key=…)`), or several of
these. A job may meet several limits and then needs a place in each. How they are obeyed is in `domain.queue.allowance`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final
from uuid import UUID

from psycopg.errors import ForeignKeyViolation
from psycopg.rows import class_row

from domain.kernel.database import raw_connection
from domain.kernel.errors import InvalidInputError, NotFoundError
from domain.kernel.ids import new_id
from domain.queue.publish import remember

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

HELD_COUNT_LIMIT: Final = 10_000
"""Held jobs are counted up to this many."""
_MOST: Final = 1_000_000

# What a rate allows at once is what it allows in a second, and one at least.
_SET: Final = """
    INSERT INTO queue_limits AS l (id, tenant_id, kind, key, max_running, per_minute, tokens)
    VALUES (%(id)s, %(tenant_id)s, %(kind)s, %(key)s, %(max_running)s, %(per_minute)s,
            greatest(1, coalesce(%(per_minute)s::integer, 0) / 60.0))
    ON CONFLICT (tenant_id, kind, key) DO UPDATE
    SET max_running = excluded.max_running, per_minute = excluded.per_minute, updated_at = now(),
        tokens = CASE WHEN l.per_minute IS NULL THEN excluded.tokens ELSE least(l.tokens, excluded.tokens) END
    RETURNING l.id
"""

_LIST: Final = """
    SELECT l.id, l.tenant_id, l.kind, l.key, l.max_running, l.per_minute,
        (SELECT count(*) FROM jobs WHERE state = 'executing'
            AND org_id = coalesce(l.tenant_id, org_id) AND kind = coalesce(l.kind, kind)
            AND (l.key IS NULL OR limit_key = l.key)) AS running,
        (SELECT count(*) FROM jobs WHERE state = 'available' AND queued_at IS NOT NULL
            AND org_id = coalesce(l.tenant_id, org_id) AND kind = coalesce(l.kind, kind)
            AND (l.key IS NULL OR limit_key = l.key)) AS handed_over,
        (SELECT count(*) FROM (SELECT FROM jobs WHERE held_by = l.id LIMIT %(most)s) held) AS held,
        l.created_at, l.updated_at
    FROM queue_limits l
    WHERE (%(after)s::uuid IS NULL OR l.id > %(after)s) AND (%(tenant)s::uuid IS NULL OR l.tenant_id = %(tenant)s)
    ORDER BY l.id LIMIT %(limit)s
"""


@dataclass(frozen=True, slots=True)
class LimitRule:
    """What is limited and how far. `max_running`: jobs at once (0 stops them); `per_minute`: starts a minute.

    A rate is spread evenly: at most a second's worth starts at once, so any t seconds see at most
    `per_minute * t / 60` starts and twice a second's worth (at least two) more. Raises InvalidInputError.
    """

    tenant_id: UUID | None = None
    kind: str | None = None
    key: str | None = None
    max_running: int | None = None
    per_minute: int | None = None

    def __post_init__(self) -> None:
        """Refuse a limit on everything, one that limits nothing, and figures that make no sense."""
        if self.tenant_id is None and not self.kind and not self.key:
            raise InvalidInputError("Limit a tenant, a kind or a key.")
        if self.max_running is None and self.per_minute is None:
            raise InvalidInputError("Say how many may run at once, or how many may start a minute.")
        if self.max_running is not None and not 0 <= self.max_running <= _MOST:
            raise InvalidInputError(f"At once, from none to {_MOST:,} jobs may run.")
        if self.per_minute is not None and not 1 <= self.per_minute <= _MOST:
            raise InvalidInputError(f"A minute, from 1 to {_MOST:,} jobs may start.")


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit and how it stands: jobs that run, that workers are about to take, and that it holds back.

    `held` stops at HELD_COUNT_LIMIT.
    """

    id: UUID
    tenant_id: UUID | None
    kind: str | None
    key: str | None
    max_running: int | None
    per_minute: int | None
    running: int
    handed_over: int
    held: int
    created_at: datetime
    updated_at: datetime


def set_limit(session: Session, rule: LimitRule) -> UUID:
    """Set a limit, or change the one on the same tenant, kind and key; return its id. In a platform scope.

    It binds from the dispatcher's next look on; what was handed out before goes on and is counted. Raises NotFoundError
    for an unknown tenant; the transaction cannot be used any more then.
    """
    values = {**asdict(rule), "kind": rule.kind or None, "key": rule.key or None, "id": new_id()}
    try:
        row = raw_connection(session).execute(_SET, values).fetchone()
    except ForeignKeyViolation:
        raise NotFoundError(f"There is no organization {rule.tenant_id}.") from None
    remember(session, [])
    assert row is not None  # noqa: S101  an upsert returns its row
    found: UUID = row[0]
    return found


def remove_limit(session: Session, limit_id: UUID) -> None:
    """Remove a limit; the dispatcher lets go of what it held back at its next look. Raises NotFoundError."""
    if not raw_connection(session).execute("DELETE FROM queue_limits WHERE id = %s", (limit_id,)).rowcount:
        raise NotFoundError(f"There is no limit {limit_id}.")
    remember(session, [])


def list_limits(
    session: Session, *, tenant_id: UUID | None = None, limit: int = 100, after: UUID | None = None
) -> Sequence[Limit]:
    """Return limits by their ids, those of one tenant if asked; page on with the last id. In a platform scope."""
    with raw_connection(session).cursor(row_factory=class_row(Limit)) as cursor:
        parameters = {"after": after, "tenant": tenant_id, "limit": limit, "most": HELD_COUNT_LIMIT}
        return cursor.execute(_LIST, parameters).fetchall()
