"""End what time has ended without anybody asking: sessions, and looking in as a client."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domain.access.sessions import end_expired
from domain.access.view_as import end_overdue
from domain.queue.outcome import Done, Outcome

if TYPE_CHECKING:
    from domain.access.messages import SweepSessions
    from domain.kernel.clock import Clock
    from domain.queue.run import Run


def sweep_sessions(_message: SweepSessions, run: Run, *, clock: Clock) -> Outcome:
    """Delete sessions whose time is over, and write down which views ran out while nobody looked."""
    with run.scope() as session:
        views = end_overdue(session, clock.now())
        ended = end_expired(session, clock.now())
        return run.finish(session, Done(f"{ended} sessions and {views} views ended." if ended or views else ""))
