"""One page of an operation: at most a thousand letters, in one transaction together with how far that brings it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from itertools import product
from typing import TYPE_CHECKING, Final

from sqlalchemy import func, select

from config.telemetry import BULK_ITEMS, begin_at_zero
from domain.deadletters.filters import from_json
from domain.deadletters.models import DeadOperation
from domain.deadletters.settle import settle_notices
from domain.kernel.database import after_commit
from domain.queue.dead import PAGE, DeadFilter, Letter, discard, page, requeue_letters

if TYPE_CHECKING:
    from collections.abc import Collection
    from uuid import UUID

    from sqlalchemy.orm import Session

AHEAD: Final = timedelta(seconds=30)
"""How far ahead letters are scheduled when there is a rate: what is cancelled later still runs for so long."""
begin_at_zero(BULK_ITEMS, product(("requeue", "discard"), ("done", "skipped")))


@dataclass(frozen=True, slots=True)
class Worked:
    """What a page came to. `last`: nothing is left. `wait`: the rate allows no more until then."""

    last: bool
    wait: datetime | None = None


def work_page(session: Session, operation: DeadOperation) -> Worked:
    """Work the next page of an operation that is locked by this transaction, or wait as its rate demands."""
    now = session.scalars(select(func.now())).one()
    room = PAGE
    if operation.per_minute is not None:
        operation.next_at = max(operation.next_at or now, now)
        room = min(PAGE, (now + AHEAD - operation.next_at) // _gap(operation.per_minute))
        room = max(room, int(operation.next_at <= now))
        if room <= 0:
            return Worked(last=False, wait=operation.next_at)
    which = from_json(operation.filter)
    letters = page(session, which, after_id=operation.position, limit=room)
    if not letters:
        return Worked(last=True)
    changed = _change(session, operation, letters)
    for outcome, times in (("done", changed), ("skipped", len(letters) - changed)):
        after_commit(session, partial(BULK_ITEMS.labels(operation.action, outcome).inc, times))
    operation.done += changed
    operation.skipped += len(letters) - changed
    operation.position = letters[-1].id
    operation.updated_at = now
    return Worked(last=len(letters) < room)


def finish(session: Session, operation: DeadOperation, causes: Collection[str] | None) -> None:
    """End an operation that has nothing left to do, and the notices that are over thereby (`causes` None: any)."""
    operation.state = "finished"
    operation.finished_at = operation.updated_at = session.scalars(select(func.now())).one()
    settle_notices(session, causes, operation.actor)


def _change(session: Session, operation: DeadOperation, letters: Sequence[Letter]) -> int:
    if operation.action == "discard":
        return discard(session, DeadFilter(ids=[letter.id for letter in letters]), operation.reason)
    return len(requeue_letters(session, letters, _run_ats(operation, letters)))


def _run_ats(operation: DeadOperation, letters: Sequence[Letter]) -> dict[UUID, datetime]:
    """Return when each letter may run, and move the operation's next time on."""
    if operation.per_minute is None or operation.next_at is None:
        return {}
    gap, start = _gap(operation.per_minute), operation.next_at
    running = [letter.id for letter in letters if not letter.superseded]
    operation.next_at = start + len(running) * gap
    return {letter_id: start + number * gap for number, letter_id in enumerate(running)}


def _gap(per_minute: int) -> timedelta:
    return timedelta(minutes=1) / per_minute
