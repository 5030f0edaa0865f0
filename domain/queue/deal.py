"""Deal room among tenants when limits are in force: who gets a place, and who is held back by what. No I/O."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from uuid import UUID

from domain.queue.allowance import Allowances
from domain.queue.turns import Cursor, Waiting


@dataclass(slots=True)
class Dealt:
    """Jobs to hand over, in order; jobs to hold back, each with the limit in its way; where the next deal begins."""

    cursor: Cursor
    chosen: list[Waiting] = field(default_factory=list)
    held: list[tuple[Waiting, UUID]] = field(default_factory=list)


def deal(jobs: Iterable[Waiting], after: Cursor, room: int, allowances: Allowances) -> Dealt:
    """Give up to `room` jobs a place, by weighted turns over tenants, beginning where the last deal ended.

    A job that some limit has no place for does not use up its tenant's turn: the next one of that tenant is looked at.
    """
    lines: dict[UUID, deque[Waiting]] = defaultdict(deque)
    for job in sorted(jobs, key=lambda job: (job.org_id, job.rank)):
        lines[job.org_id].append(job)
    allowances.share_out(job for line in lines.values() for job in line)
    dealt = Dealt(after)
    order = _order(lines, after)
    while order and len(dealt.chosen) < room:
        for org_id in list(order):
            _serve(lines[org_id], room, allowances, dealt)
            if not lines[org_id]:
                order.remove(org_id)
            if len(dealt.chosen) == room:
                break
    return dealt


def _order(lines: dict[UUID, deque[Waiting]], after: Cursor) -> list[UUID]:
    """Return the tenants in the order of their turns. The one served last goes first if its turn is not over."""
    unfinished = after.org_id in lines and 0 < after.served < lines[after.org_id][0].weight
    return sorted(lines, key=lambda org: (org < after.org_id or (org == after.org_id and not unfinished), org))


def _serve(line: deque[Waiting], room: int, allowances: Allowances, dealt: Dealt) -> None:
    """Give one tenant its turn, or what is left of it."""
    org_id, weight = line[0].org_id, line[0].weight
    begun = dealt.cursor.served if dealt.cursor.org_id == org_id else 0
    left = weight - begun if begun < weight else weight
    while line and left and len(dealt.chosen) < room:
        job = line.popleft()
        limits = allowances.met_by(job)
        shut = next((limit for limit in limits if limit.shut(org_id)), None)
        if shut is not None:
            if job.held_by != shut.id:
                dealt.held.append((job, shut.id))
            continue
        for limit in limits:
            limit.spend(org_id)
        dealt.chosen.append(job)
        left -= 1
        dealt.cursor = Cursor(org_id, (weight - left) % weight)
