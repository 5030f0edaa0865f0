"""Whoever writes past the application, even as superuser, leaves a trace that says what was done to which entry."""

from __future__ import annotations

import json
import time

import pytest

from domain.audit.heads import as_document, read_heads
from domain.audit.verify import heads, verify
from domain.kernel.ids import PLATFORM_ORG_ID as ORG
from tests.support.audit_lab import AuditLab, organization

pytestmark = pytest.mark.integration

_REHASH = """
    UPDATE admin_audit_logs entry SET hash = audit_hash(previous_hash, entry) WHERE sequence = %s AND org_id = %s
"""
_WRITE_ANEW = """
    DO $$
    DECLARE
        entry admin_audit_logs%ROWTYPE;
        last bytea;
    BEGIN
        FOR entry IN SELECT * FROM admin_audit_logs ORDER BY sequence LOOP
            entry.previous_hash := last;
            last := audit_hash(last, entry);
            UPDATE admin_audit_logs SET previous_hash = entry.previous_hash, hash = last WHERE id = entry.id;
        END LOOP;
        UPDATE audit_heads SET hash = last;
    END $$
"""


def test_what_nobody_touched_is_whole(lab: AuditLab) -> None:
    other = organization(lab)
    lab.acts(5)
    lab.acts(3, other)
    assert [(one.org_id, one.entries, one.found) for one in lab.verified()] == [(ORG, 5, 0), (other, 3, 0)]
    assert [one.org_id for one in lab.verified(other)] == [other]


@pytest.mark.parametrize(
    "change",
    [
        "reason = 'another'",
        "actor = 'somebody else'",
        "actor_user_id = gen_random_uuid()",
        "role = 'super_admin'",
        "action = 'queue.pause'",
        "target_type = 'queue'",
        "target_id = 'j9'",
        "before = '{}'",
        "before = 'null'",
        "after = '{\"n\": 1}'",
        "ip = '192.0.2.8'",
        "ip = '192.0.2.7/24'",
        "user_agent = 'curl'",
        "request_id = NULL",
        "client_id = gen_random_uuid()",
        "id = gen_random_uuid()",
        "created_at = created_at + interval '1 microsecond'",
        "previous_hash = sha256('a')",
        "hash = sha256('a')",
        "hash = NULL",
    ],
)
def test_any_change_of_an_entry_is_found(lab: AuditLab, change: str) -> None:
    lab.acts(4)
    assert lab.tamper(f"UPDATE admin_audit_logs SET {change} WHERE sequence = 2") == 1  # noqa: S608 - see above
    assert lab.findings() == [("changed", 2, 2)]


def test_an_entry_that_is_given_to_another_organization_is_missed_by_the_one_and_strange_to_the_other(
    lab: AuditLab,
) -> None:
    other = organization(lab)
    lab.acts(4)
    lab.acts(2, other)
    lab.tamper("UPDATE admin_audit_logs SET org_id = %s, sequence = 3 WHERE org_id = %s AND sequence = 2", other, ORG)
    assert lab.findings(ORG) == [("removed", 2, 2)]
    assert lab.findings(other) == [("changed", 3, 3), ("head", 3, 3)]


def test_an_entry_that_was_changed_and_hashed_anew_is_found(lab: AuditLab) -> None:
    lab.acts(4)
    lab.tamper("UPDATE admin_audit_logs SET reason = 'another' WHERE sequence = 2")
    lab.tamper(_REHASH, 2, ORG)
    assert lab.findings() == [("changed", 2, 2)]
    lab.tamper("UPDATE admin_audit_logs SET reason = 'another' WHERE sequence = 4")
    lab.tamper(_REHASH, 4, ORG)
    assert lab.findings() == [("changed", 2, 2), ("head", 4, 4)]


@pytest.mark.parametrize(("first", "last"), [(1, 1), (2, 2), (2, 4), (1, 4)])
def test_removed_entries_are_found(lab: AuditLab, first: int, last: int) -> None:
    lab.acts(5)
    lab.tamper("DELETE FROM admin_audit_logs WHERE sequence BETWEEN %s AND %s", first, last)
    assert lab.findings() == [("removed", first, last)]


def test_entries_cut_off_at_the_end_are_found(lab: AuditLab) -> None:
    lab.acts(5)
    lab.tamper("DELETE FROM admin_audit_logs WHERE sequence > 3")
    assert lab.findings() == [("cut_off", 4, 5)]
    lab.tamper("DELETE FROM admin_audit_logs")
    assert lab.findings() == [("cut_off", 1, 5)]


def test_a_gap_is_not_closed_by_numbering_anew(lab: AuditLab) -> None:
    lab.acts(5)
    lab.tamper("DELETE FROM admin_audit_logs WHERE sequence = 3")
    lab.tamper("UPDATE admin_audit_logs SET sequence = sequence - 1 WHERE sequence > 3")
    lab.tamper("UPDATE audit_heads SET sequence = 4")
    assert lab.findings() == [("reordered", 3, 3), ("reordered", 4, 4)]


def test_entries_that_changed_places_are_found(lab: AuditLab) -> None:
    lab.acts(6)
    for number, instead in ((2, -2), (5, 2), (-2, 5)):
        lab.tamper("UPDATE admin_audit_logs SET sequence = %s WHERE sequence = %s", instead, number)
    assert lab.findings() == [("reordered", 2, 2), ("reordered", 5, 5)]


def test_entries_put_in_past_the_chain_are_found(lab: AuditLab) -> None:
    lab.acts(2)
    lab.tamper("ALTER TABLE admin_audit_logs DISABLE TRIGGER chain")
    lab.fill(3, ORG)
    lab.tamper("ALTER TABLE admin_audit_logs ENABLE TRIGGER chain")
    assert lab.findings() == [("unchained", None, None)]


def test_a_head_that_was_changed_or_removed_is_found(lab: AuditLab) -> None:
    lab.acts(3)
    lab.tamper("UPDATE audit_heads SET hash = sha256('a')")
    assert lab.findings() == [("head", 3, 3)]
    lab.tamper("UPDATE audit_heads SET sequence = 2")
    assert lab.findings() == [("head", 3, 3)]
    lab.tamper("DELETE FROM audit_heads")
    assert lab.findings() == [("head", 3, 3)]


def test_a_chain_that_was_written_anew_is_found_by_what_was_kept_elsewhere(lab: AuditLab) -> None:
    lab.acts(4)
    with lab.database.platform_scope() as session:
        noted = read_heads(json.dumps([as_document(head) for head in heads(session)]))
    lab.acts(2)
    assert [one.found for one in verify(lab.database.platform_scope, noted=noted)] == [0]
    lab.tamper("UPDATE admin_audit_logs SET reason = 'another' WHERE sequence = 2")
    lab.tamper(_WRITE_ANEW)
    assert lab.findings() == []
    found = [finding for one in verify(lab.database.platform_scope, noted=noted) for finding in one.findings]
    assert [(finding.kind.value, finding.first) for finding in found] == [("noted", 4)]


def test_an_organization_whose_whole_chain_is_gone_is_missed_by_what_was_kept_elsewhere(lab: AuditLab) -> None:
    lab.acts(4)
    with lab.database.platform_scope() as session:
        noted = heads(session)
    lab.tamper("DELETE FROM admin_audit_logs")
    lab.tamper("DELETE FROM audit_heads")
    assert lab.findings() == []
    found = [finding for one in verify(lab.database.platform_scope, noted=noted) for finding in one.findings]
    assert [finding.kind.value for finding in found] == ["noted"]


def test_ten_thousand_entries_take_seconds_and_the_newest_alone_are_enough_for_a_look(lab: AuditLab) -> None:
    lab.fill(10_000, ORG)
    seen: list[tuple[int, int]] = []
    started = time.monotonic()
    (verified,) = verify(lab.database.platform_scope, progress=lambda _, done, total: seen.append((done, total)))
    assert time.monotonic() - started < 10
    assert (verified.entries, verified.found) == (10_000, 0)
    assert [done for done, _ in seen] == [2_000, 4_000, 6_000, 8_000, 10_000]
    lab.tamper("UPDATE admin_audit_logs SET reason = 'another' WHERE sequence = 5000")
    assert [one.found for one in verify(lab.database.platform_scope, newest=1_000)] == [0]
    assert [one.found for one in verify(lab.database.platform_scope, newest=6_000)] == [1]
