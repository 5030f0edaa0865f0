"""Operators are told of a chain that is not whole, without asking, once for as long as it is so."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from domain.audit.messages import VerifyAudit
from domain.audit.watch import verify_audit, watch
from domain.kernel.ids import PLATFORM_ORG_ID, new_id
from domain.maintenance.work import PERIODIC
from domain.notices.listing import list_notices
from domain.queue.claim import Claimed
from domain.queue.outcome import Done
from domain.queue.run import Run
from tests.support.audit_lab import AuditLab, organization

pytestmark = pytest.mark.integration


def told(lab: AuditLab) -> list[tuple[str, str, int]]:
    with lab.database.platform_scope() as session:
        return [(one.kind, one.subject, one.count) for one in list_notices(session)]


def test_nothing_is_told_of_chains_that_are_whole(lab: AuditLab) -> None:
    lab.acts(3)
    assert watch(lab.database.platform_scope).words == "3 entries of 1 chains verified."
    assert told(lab) == []


def test_a_chain_that_is_not_whole_waits_for_a_person(lab: AuditLab) -> None:
    org_id = organization(lab)
    lab.acts(3)
    lab.acts(3, org_id)
    lab.tamper("DELETE FROM admin_audit_logs WHERE org_id = %s AND sequence = 2", org_id)
    watched = watch(lab.database.platform_scope)
    assert (watched.chains, watched.entries, watched.broken) == (2, 5, 1)
    watch(lab.database.platform_scope)
    assert told(lab) == [("audit_broken", str(org_id), 2)]


def test_the_scheduler_has_it_looked_at_and_the_job_ends_well(lab: AuditLab) -> None:
    assert [one.every.total_seconds() for one in PERIODIC if one.name == "audit.verify"] == [3_600]
    lab.acts(2)
    lab.tamper("UPDATE admin_audit_logs SET reason = 'another' WHERE sequence = 1")
    now = datetime.now(UTC)
    claimed = Claimed(new_id(), PLATFORM_ORG_ID, "audit.verify", "maintenance", {}, 1, 5, 0, None, now, 0.0)
    outcome = verify_audit(VerifyAudit(), Run(claimed, lab.database))
    assert isinstance(outcome, Done)
    assert "not whole" in outcome.note
    assert len(told(lab)) == 1
