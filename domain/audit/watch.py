"""Verify chains without being asked, and tell operators when one is not whole."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import structlog

from config.telemetry import AUDIT_FINDINGS
from domain.audit.messages import VerifyAudit, VerifyWholeAudit
from domain.audit.verify import Scope, heads, verify
from domain.kernel.ids import PLATFORM_ORG_ID
from domain.notices.raising import NoticeKind, raise_notice
from domain.queue.outcome import Done, Outcome
from domain.queue.run import Run

if TYPE_CHECKING:
    from domain.audit.verify import Verified

NEWEST: Final = 1_000
"""Entries of each chain that the periodic job verifies; the maintenance job for cron verifies all."""
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Watched:
    """What came of a look at all chains."""

    chains: int
    entries: int
    broken: int

    @property
    def words(self) -> str:
        """What is to be said of it, as a sentence."""
        wrong = f"; {self.broken} of the chains are not whole" if self.broken else ""
        return f"{self.entries} entries of {self.chains} chains verified{wrong}."


def verify_audit(message: VerifyAudit, run: Run) -> Outcome:
    """Verify the newest entries. What is found wrong is told of, not repaired: the job has done its work."""
    del message
    return Done(watch(run.scope, newest=NEWEST).words)


def verify_whole_audit(message: VerifyWholeAudit, run: Run) -> Outcome:
    """Verify all entries. What is found wrong is told of, as above."""
    del message
    return Done(watch(run.scope).words)


def watch(scope: Scope, *, newest: int | None = None) -> Watched:
    """Verify every chain, raise a notice for each that is not whole, and log the heads.

    The log is shipped to where nobody who can write to the database can write, so its heads are witnesses.
    """
    chains = entries = broken = 0
    for verified in verify(scope, newest=newest):
        chains += 1
        entries += verified.entries
        if verified.found:
            broken += 1
            _tell(scope, verified)
    with scope() as session:
        known = heads(session)
    for head in known:
        _log.info(
            "audit_head",
            tenant_id=str(head.org_id),
            sequence=head.sequence,
            hash=head.hash.hex() if head.hash else None,
        )
    return Watched(chains, entries, broken)


def _tell(scope: Scope, verified: Verified) -> None:
    words = " ".join(finding.words for finding in verified.findings[:3])
    more = f" And {verified.found - 3} more." if verified.found > 3 else ""  # noqa: PLR2004 - as shown above
    AUDIT_FINDINGS.inc(verified.found)
    _log.error("audit_chain_broken", tenant_id=str(verified.org_id), findings=verified.found, words=words)
    with scope() as session:
        raise_notice(session, NoticeKind.AUDIT_BROKEN, str(verified.org_id), f"{words}{more}", org_id=PLATFORM_ORG_ID)
