"""What the limits allow now: places and starts, counted from the rows of work in flight, under one lock.

A job that a limit counts is never pushed by a producer and never claimed without a hand-over, so the dispatcher alone
decides. It counts what was handed over and not ended (two small partial indexes), hands over what fits, and marks what
does not as held by the limit that is in its way. Held jobs leave the index of those that wait for their turn: a held
backlog is not read again until its limit has room.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from domain.queue.turns import Waiting

if TYPE_CHECKING:
    import psycopg

_LOCK: Final = "SELECT pg_advisory_xact_lock(hashtext('dispatch limits'))"

# The clock is read once, so that what is written back fits what was counted.
_ALLOWANCES: Final = """
    WITH flight AS MATERIALIZED (
        SELECT org_id, kind, limit_key, started, count(*) AS jobs FROM (
            SELECT org_id, kind, limit_key, true AS started FROM jobs WHERE state = 'executing'
            UNION ALL
            SELECT org_id, kind, limit_key, false FROM jobs WHERE state = 'available' AND queued_at IS NOT NULL
        ) live GROUP BY org_id, kind, limit_key, started
    ), clock AS MATERIALIZED (SELECT clock_timestamp() AS at)
    SELECT l.id, l.tenant_id, l.kind, l.key, l.max_running, l.per_minute,
           l.tokens + l.per_minute / 60.0 * greatest(0, extract(epoch FROM clock.at - l.refilled_at))::float8,
           coalesce(sum(flight.jobs), 0)::integer,
           coalesce(sum(flight.jobs) FILTER (WHERE NOT flight.started), 0)::integer,
           l.served_last, l.refilled_at > clock.at, clock.at
    FROM queue_limits l CROSS JOIN clock LEFT JOIN flight
        ON (l.tenant_id IS NULL OR l.tenant_id = flight.org_id) AND (l.kind IS NULL OR l.kind = flight.kind)
            AND (l.key IS NULL OR l.key = flight.limit_key)
    GROUP BY l.id, clock.at
"""

_SPENT: Final = """
    UPDATE queue_limits l SET tokens = s.tokens, refilled_at = s.at, served_last = s.served_last
    FROM unnest(%s::uuid[], %s::float8[], %s::timestamptz[], %s::uuid[]) AS s (id, tokens, at, served_last)
    WHERE l.id = s.id
"""

# Who holds anything is found by jumping through the index `jobs_held`, and so are the tenants that each holds. A limit
# that is gone holds nothing back: its jobs are read as if it had room.
_HELD: Final = """
    WITH RECURSIVE holders AS (
        (SELECT held_by FROM jobs WHERE held_by IS NOT NULL ORDER BY held_by LIMIT 1)
        UNION ALL
        SELECT (SELECT held_by FROM jobs WHERE held_by > holders.held_by ORDER BY held_by LIMIT 1)
        FROM holders WHERE held_by IS NOT NULL
    ), open AS (
        SELECT held_by, least(%(room)s, coalesce(known.free, %(room)s)) AS free
        FROM holders LEFT JOIN unnest(%(ids)s::uuid[], %(frees)s::integer[]) AS known (id, free) ON known.id = held_by
        WHERE held_by IS NOT NULL AND coalesce(known.free, 1) > 0
    ), orgs AS (
        SELECT held_by, free, (SELECT org_id FROM jobs WHERE held_by = open.held_by AND queue = %(queue)s
                               ORDER BY org_id LIMIT 1) AS org_id
        FROM open
        UNION ALL
        SELECT held_by, free, (SELECT org_id FROM jobs WHERE held_by = orgs.held_by AND queue = %(queue)s
                               AND org_id > orgs.org_id ORDER BY org_id LIMIT 1)
        FROM orgs WHERE org_id IS NOT NULL
    ), shares AS (
        SELECT held_by, org_id, ceil(2.0 * free / count(*) OVER (PARTITION BY held_by))::bigint AS share,
               coalesce((SELECT weight FROM queue_weights WHERE tenant_id = org_id), 1) AS weight
        FROM orgs WHERE org_id IS NOT NULL
    )
    SELECT held.*, shares.weight, shares.held_by FROM shares CROSS JOIN LATERAL (
        SELECT id, org_id, kind, limit_key, priority, run_at FROM jobs
        WHERE held_by = shares.held_by AND queue = %(queue)s AND org_id = shares.org_id
        ORDER BY priority, run_at, id LIMIT shares.share
    ) held
"""


@dataclass(slots=True)
class Allowance:
    """What one limit still allows. `at`: the database's time at which it was counted."""

    id: UUID
    tenant_id: UUID | None
    kind: str | None
    key: str | None
    free: int
    tokens: float
    at: datetime
    served_last: UUID | None
    changed: bool = False
    quotas: dict[UUID, int] = field(default_factory=dict)

    def shut(self, org_id: UUID) -> bool:
        """Whether it has no place for this tenant now."""
        return self.free <= 0 or self.quotas.get(org_id, 1) <= 0

    def spend(self, org_id: UUID) -> None:
        """Give a place to this tenant."""
        self.free -= 1
        self.tokens -= 1
        self.served_last, self.changed = org_id, True
        if org_id in self.quotas:
            self.quotas[org_id] -= 1

    def share_out(self, wanted: dict[UUID, int]) -> None:
        """Divide the places among the tenants that want them, one each in turn, when there are too few for all."""
        self.quotas = {}
        if sum(wanted.values()) <= self.free:
            return
        last = self.served_last
        order = sorted(wanted, key=lambda org: (last is not None and org <= last, org))
        self.quotas = dict.fromkeys(order, 0)
        left = self.free
        while left > 0:
            for org in order:
                if left > 0 and self.quotas[org] < wanted[org]:
                    self.quotas[org] += 1
                    left -= 1


class Allowances:
    """What all limits still allow, for the length of one transaction, in which nobody else hands over against them."""

    def __init__(self, allowances: Iterable[Allowance]) -> None:
        self._all = {(a.tenant_id, a.kind, a.key): a for a in allowances}

    @classmethod
    def read(cls, connection: psycopg.Connection[Any]) -> Allowances:
        """Count under the lock, which lasts for the caller's transaction."""
        connection.execute(_LOCK)
        return cls(_allowance(*row) for row in connection.execute(_ALLOWANCES, prepare=True).fetchall())

    def met_by(self, job: Waiting) -> Sequence[Allowance]:
        """Return the limits that count a job."""
        places = [
            (tenant, kind, key)
            for tenant in (job.org_id, None)
            for kind in (job.kind, None)
            for key in ((job.limit_key, None) if job.limit_key is not None else (None,))
        ]
        return [self._all[place] for place in places if place in self._all]

    def share_out(self, jobs: Iterable[Waiting]) -> None:
        """Divide scarce places among the tenants of `jobs`, so that a tenant cannot keep others from them."""
        wanted: dict[UUID, dict[UUID, int]] = {}
        for job in jobs:
            for allowance in self.met_by(job):
                by_org = wanted.setdefault(allowance.id, {})
                by_org[job.org_id] = by_org.get(job.org_id, 0) + 1
        for allowance in self._all.values():
            allowance.share_out(wanted.get(allowance.id, {}))

    def held(self, connection: psycopg.Connection[Any], queue: str, room: int) -> list[Waiting]:
        """Return held jobs of a queue whose limit has places, or is gone."""
        known = list(self._all.values())
        parameters = {"queue": queue, "room": room, "ids": [a.id for a in known], "frees": [a.free for a in known]}
        return [Waiting(*row) for row in connection.execute(_HELD, parameters, prepare=True).fetchall()]

    def write(self, connection: psycopg.Connection[Any]) -> None:
        """Write down what was spent."""
        changed = [a for a in self._all.values() if a.changed]
        if changed:
            columns = zip(*((a.id, max(0.0, a.tokens), a.at, a.served_last) for a in changed), strict=True)
            connection.execute(_SPENT, [list(column) for column in columns])


def _allowance(  # noqa: PLR0913, PLR0917  the columns of a row
    limit_id: UUID,
    tenant_id: UUID | None,
    kind: str | None,
    key: str | None,
    max_running: int | None,
    per_minute: int | None,
    tokens: float | None,
    in_flight: int,
    handed_over: int,
    served_last: UUID | None,
    ahead: bool,  # noqa: FBT001  as above
    at: datetime,
) -> Allowance:
    free: float = _PLENTY if max_running is None else max_running - in_flight
    left = 0.0
    if per_minute is not None:
        # Ids that wait in the broker may start all at once, so they are part of what may start at once.
        burst = max(1.0, per_minute / 60)
        left = min(burst, tokens or 0.0)
        free = min(free, math.floor(left), math.floor(burst) - handed_over)
    # A time ahead of the clock (which was set back) would keep the rate from filling up again: it is written anew.
    return Allowance(limit_id, tenant_id, kind, key, max(0, int(free)), left, at, served_last, changed=ahead)


_PLENTY: Final = 1_000_000
