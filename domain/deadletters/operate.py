"""Bring an operation on many letters to its end: page by page, each in a transaction of its own."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from domain.audit.record import Act, Actor, record
from domain.deadletters.filters import from_json
from domain.deadletters.messages import Operate
from domain.deadletters.models import DeadOperation
from domain.deadletters.page import finish, work_page
from domain.kernel.clock import Clock
from domain.queue.outcome import Cancel, Done, Outcome, Snooze
from domain.queue.run import Run

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

LONGEST_RUN: Final = 45.0
"""Seconds after which a run makes room for other maintenance; the next one goes on where it was."""


def operate(message: Operate, run: Run, clock: Clock) -> Outcome:
    """Work pages until the operation is at its end, is cancelled, has to wait for its rate, or has run for long.

    The operation's row is locked for each page: a second run, or one that was thought dead, takes turns with this one
    and repeats nothing.
    """
    began = time.monotonic()
    while time.monotonic() - began < LONGEST_RUN:
        with run.scope() as session:
            operation = session.get(DeadOperation, message.operation_id, with_for_update=True)
            if operation is None:
                return run.finish(session, Cancel("The operation is gone."))
            if operation.state != "running":
                return run.finish(session, Done(f"The operation is {operation.state}."))
            worked = work_page(session, operation)
            if worked.wait is not None:
                return run.finish(session, Snooze(worked.wait, "More would be above the rate."))
            if worked.last:
                return run.finish(session, _end(session, operation))
    return Snooze(clock.now(), "More is left; other maintenance may run first.")


def _end(session: Session, operation: DeadOperation) -> Done:
    cause = from_json(operation.filter).fingerprint
    finish(session, operation, None if cause is None else [cause])
    counts = {"done": operation.done, "skipped": operation.skipped, "total": operation.total}
    act = Act("dead_operation.finish", "dead_operation", str(operation.id), operation.reason, after=counts)
    record(session, Actor(operation.actor, "operation"), act)
    return Done(f"{operation.done} of {operation.total}, {operation.skipped} skipped.")
