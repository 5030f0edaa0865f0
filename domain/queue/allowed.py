"""Hand over what the limits allow, and hold back the rest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from domain.queue.allowance import Allowances
from domain.queue.deal import deal
from domain.queue.turns import Cursor, Taken, Waiting, look

if TYPE_CHECKING:
    import psycopg

ROUNDS: Final = 4
LOOK_AHEAD: Final = 500
"""Jobs looked at in a round, and rounds in a transaction: a backlog that a limit holds back is put aside at the rate of
their product a look, while others get their turns in between."""

_MARK: Final = """
    UPDATE jobs SET queued_at = now(), held_by = NULL FROM unnest(%s::uuid[]) AS chosen (id)
    WHERE jobs.id = chosen.id AND CASE WHEN jobs.state = 'available' THEN jobs.queued_at IS NULL END
    RETURNING jobs.id, jobs.kind, extract(epoch FROM now() - jobs.run_at)::float8
"""

_HOLD: Final = """
    UPDATE jobs SET held_by = held.by FROM unnest(%s::uuid[], %s::uuid[]) AS held (id, by)
    WHERE jobs.id = held.id AND CASE WHEN jobs.state = 'available' THEN jobs.queued_at IS NULL END
"""


def take_allowed(
    connection: psycopg.Connection[Any], queue: str, room: int, after: Cursor
) -> tuple[Sequence[Taken], Cursor, bool]:
    """Mark up to `room` jobs as handed over, in turn, as far as the limits allow, and hold back those in their way.

    Returns the jobs, the new cursor, and whether more may wait for their turn. Held jobs whose limit has places again
    take part by their age.
    """
    allowances = Allowances.read(connection)
    taken: list[Taken] = []
    more = True
    for _ in range(ROUNDS):
        waiting, cut = look(connection, queue, max(room, LOOK_AHEAD))
        held = allowances.held(connection, queue, room)
        dealt = deal([*waiting, *held], after, room - len(taken), allowances)
        after = dealt.cursor
        if dealt.chosen:
            taken.extend(_mark(connection, dealt.chosen))
        if dealt.held:
            pairs = dealt.held
            connection.execute(_HOLD, ([job.id for job, _ in pairs], [limit for _, limit in pairs]), prepare=True)
        if len(taken) >= room:
            break
        if not (dealt.held or held or cut):
            more = False
            break
    allowances.write(connection)
    return taken, after, more


def _mark(connection: psycopg.Connection[Any], chosen: Sequence[Waiting]) -> list[Taken]:
    """Mark jobs as handed over; return those that were still there, in order."""
    order: list[UUID] = [job.id for job in chosen]
    rows = {row[0]: Taken(*row) for row in connection.execute(_MARK, (order,), prepare=True).fetchall()}
    return [rows[job_id] for job_id in order if job_id in rows]
