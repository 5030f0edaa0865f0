"""Actors of the audit log."""

from __future__ import annotations

from domain.audit.messages import VerifyAudit, VerifyWholeAudit
from domain.audit.watch import verify_audit, verify_whole_audit
from domain.queue.outcome import Outcome
from domain.queue.run import Run
from workers.registry import actor
from workers.services import Services


@actor(VerifyAudit)
def verify(message: VerifyAudit, run: Run, services: Services) -> Outcome:
    """Verify the newest entries of every chain."""
    del services
    return verify_audit(message, run)


@actor(VerifyWholeAudit)
def verify_whole(message: VerifyWholeAudit, run: Run, services: Services) -> Outcome:
    """Verify every entry of every chain."""
    del services
    return verify_whole_audit(message, run)
