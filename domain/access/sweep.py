"""End what time has ended without anybody asking: sessions, looking in as a client, invitations, unused accounts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domain.access.consent import expire_invitations
from domain.access.sessions import end_expired
from domain.access.unanswered import forget_unanswered
from domain.access.view_as import end_overdue
from domain.queue.outcome import Done, Outcome

if TYPE_CHECKING:
    from domain.access.messages import SweepSessions
    from domain.kernel.clock import Clock
    from domain.queue.run import Run


def sweep_sessions(_message: SweepSessions, run: Run, *, clock: Clock) -> Outcome:
    """Delete sessions, invitations and unused accounts whose time is over, and write down which views ran out."""
    now = clock.now()
    with run.scope() as session:
        over = {
            "views": end_overdue(session, now),
            "sessions": end_expired(session, now),
            "invitations": expire_invitations(session, now),
            "accounts": forget_unanswered(session, now),
        }
        words = ", ".join(f"{count} {what}" for what, count in over.items() if count)
        return run.finish(session, Done(f"Ended: {words}." if words else ""))
