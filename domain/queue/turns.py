"""Whose turn it is: weighted round-robin over tenants, in PostgreSQL, at the cost of a probe a tenant.

In each round a tenant gets as many jobs as it weighs; what it does not use goes to the others. A batch may end in the
midst of a tenant's turn: the cursor says how much of it is used up, so that the batches together are one unbroken
round-robin, however small each is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from domain.kernel.ids import PLATFORM_ORG_ID

if TYPE_CHECKING:
    import psycopg

# One probe a tenant, however long the backlog: the recursion jumps from each tenant to the next in the index
# `jobs_turn`. From each, about twice its share of the room is read; `cut` says that one may have more than that.
_WAITING: Final = """
    WITH RECURSIVE orgs AS (
        (SELECT org_id FROM jobs
         WHERE queue = %(queue)s AND state = 'available' AND queued_at IS NULL AND held_by IS NULL
         ORDER BY org_id LIMIT 1)
        UNION ALL
        SELECT (SELECT org_id FROM jobs
                WHERE queue = %(queue)s AND state = 'available' AND queued_at IS NULL AND held_by IS NULL
                    AND org_id > orgs.org_id ORDER BY org_id LIMIT 1)
        FROM orgs WHERE orgs.org_id IS NOT NULL
    ), tenants AS (
        SELECT org_id, coalesce((SELECT weight FROM queue_weights WHERE tenant_id = org_id), 1) AS weight
        FROM orgs WHERE org_id IS NOT NULL
    ), shares AS (
        -- Whole turns, as many for each: where the reading stops, nobody is in the midst of one.
        SELECT org_id, weight, served,
               least(%(room)s, weight * ceil(2.0 * %(room)s / sum(weight) OVER ()) - served)::bigint AS share
        FROM (SELECT *, CASE WHEN org_id = %(after)s AND %(served)s < weight THEN %(served)s ELSE 0 END AS served
              FROM tenants) begun
    ), places AS (
        SELECT waiting.*, org_id, weight, share, (position + served - 1) / weight AS turn,
               (position + served - 1) %% weight + 1 AS used,
               org_id < %(after)s OR (org_id = %(after)s AND served = 0) AS wrapped
        FROM shares CROSS JOIN LATERAL (
            SELECT *, row_number() OVER (ORDER BY priority, run_at, id) AS position FROM (
                SELECT id, kind, limit_key, priority, run_at FROM jobs
                WHERE queue = %(queue)s AND org_id = shares.org_id AND state = 'available' AND queued_at IS NULL
                    AND held_by IS NULL
                ORDER BY priority, run_at, id LIMIT shares.share
            ) first
        ) waiting
    )
"""

# The CASE at the end keeps PostgreSQL from joining through `jobs_turn`, which reads the whole backlog for each batch
# whenever the statistics are older than the backlog.
_CHOOSE: Final = """, chosen AS (
        SELECT id, turn, wrapped, org_id, position, used, weight FROM places
        ORDER BY turn, wrapped, org_id, position LIMIT %(room)s
    )
    UPDATE jobs SET queued_at = now() FROM chosen
    WHERE jobs.id = chosen.id AND CASE WHEN jobs.state = 'available' THEN jobs.queued_at IS NULL END
    RETURNING chosen.turn, chosen.wrapped, chosen.org_id, chosen.position, chosen.used, chosen.weight, jobs.id,
              jobs.kind, extract(epoch FROM now() - jobs.run_at)::float8,
              (SELECT bool_or(position >= share) FROM places)
"""
_LIST: Final = """
    SELECT id, org_id, kind, limit_key, priority, run_at, weight, position >= share FROM places
    ORDER BY org_id, position
"""
_TAKE: Final = _WAITING + _CHOOSE
_LOOK: Final = _WAITING + _LIST


@dataclass(frozen=True, slots=True)
class Cursor:
    """The tenant served last, and how many jobs of its turn it has had; 0 when its turn was over."""

    org_id: UUID = PLATFORM_ORG_ID
    served: int = 0


START: Final = Cursor()


@dataclass(frozen=True, slots=True)
class Taken:
    """A job that was handed over. `waited`: seconds since it was due."""

    id: UUID
    kind: str
    waited: float


@dataclass(frozen=True, slots=True)
class Waiting:
    """A job that waits for its turn (or for a place under the limit `held_by`), and its tenant's weight."""

    id: UUID
    org_id: UUID
    kind: str
    limit_key: str | None
    priority: int
    run_at: datetime
    weight: int
    held_by: UUID | None = None

    @property
    def rank(self) -> tuple[int, datetime, UUID]:
        """Its order among the jobs of its tenant."""
        return self.priority, self.run_at, self.id


def take_turns(
    connection: psycopg.Connection[Any], queue: str, room: int, after: Cursor
) -> tuple[Sequence[Taken], Cursor, bool]:
    """Mark up to `room` waiting jobs as handed over, in turn.

    Returns them, the cursor for the next batch, and whether more may wait.
    """
    taken: list[Taken] = []
    cut = True
    while cut and len(taken) < room:
        parameters = _parameters(queue, room - len(taken), after)
        rows = sorted(connection.execute(_TAKE, parameters, prepare=True).fetchall())
        taken.extend(Taken(*row[6:9]) for row in rows)
        if rows:
            _, _, org_id, _, used, weight, *_, cut = rows[-1]
            after = Cursor(org_id, used % weight)
        else:
            cut = False
    return taken, after, cut or len(taken) == room


def look(connection: psycopg.Connection[Any], queue: str, room: int) -> tuple[Sequence[Waiting], bool]:
    """Return the jobs that `room` might go to, each tenant's in order, and whether more may wait."""
    rows = connection.execute(_LOOK, _parameters(queue, room, START), prepare=True).fetchall()
    return [Waiting(*row[:7]) for row in rows], any(row[7] for row in rows)


def _parameters(queue: str, room: int, after: Cursor) -> dict[str, object]:
    return {"queue": queue, "room": room, "after": after.org_id, "served": after.served}
