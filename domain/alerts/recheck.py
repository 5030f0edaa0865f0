"""Look again at the owners that could not be reached, and at alerts that nothing would send."""

from __future__ import annotations

from domain.alerts.digest import resume_digests
from domain.alerts.messages import RecheckReach
from domain.alerts.status import recheck
from domain.kernel.clock import Clock
from domain.queue.outcome import Done, Outcome
from domain.queue.run import Run


def recheck_reach(_message: RecheckReach, run: Run, *, clock: Clock) -> Outcome:
    """Resolve the notices of owners that can be reached again, whoever put it right; send what was left waiting."""
    with run.scope() as session:
        reached = recheck(session, now=clock.now())
        resumed = resume_digests(session)
        words = [f"{reached} owners can be reached again."] if reached else []
        words += [f"Waiting alerts of {resumed} clients are sent."] if resumed else []
        return run.finish(session, Done(" ".join(words)))
