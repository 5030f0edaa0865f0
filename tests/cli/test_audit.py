"""`gatehouse audit`: an operator without a browser finds what was done, and proves that nobody changed it."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from domain.kernel.ids import PLATFORM_ORG_ID
from tests.cli.conftest import Environment, Run
from tests.support.audit_lab import AuditLab, audit_lab, organization

if TYPE_CHECKING:
    from tests.support.databases import DatabaseUrls

pytestmark = pytest.mark.integration


@pytest.fixture
def lab(database_urls: DatabaseUrls) -> Iterator[AuditLab]:
    with audit_lab(database_urls) as lab:
        yield lab


def test_acts_are_listed_and_shown(gatehouse: Run, environment: Environment, lab: AuditLab) -> None:
    lab.act(action="queue.pause")
    entry = lab.act(target="j7")
    listed = gatehouse("audit", "list", "--action", "job", settings=environment)
    assert (listed.status, str(entry) in listed.out, "queue.pause" in listed.out) == (0, True, False)
    shown = gatehouse("audit", "show", str(entry))
    assert "job j7" in shown.out
    assert "cancelled a job" in shown.out
    rows = json.loads(gatehouse("audit", "list", "--json").out)
    assert [row["action"] for row in rows] == ["job.cancel", "queue.pause"]
    assert gatehouse("audit", "list", "--until", "2020-01-01").out == "Nothing of that was done.\n"
    missing = gatehouse("audit", "show", str(PLATFORM_ORG_ID))
    assert (missing.status, f"There is no audit entry {PLATFORM_ORG_ID}." in missing.err) == (1, True)


def test_an_export_is_for_its_owner_alone_and_overwrites_nothing(
    gatehouse: Run, environment: Environment, lab: AuditLab, tmp_path: Path
) -> None:
    lab.acts(3)
    file = tmp_path / "audit.json"
    assert gatehouse("audit", "export", str(file), "--format", "json", settings=environment).status == 0
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [item["action"] for item in json.loads(file.read_text())] == ["audit.export", *["job.cancel"] * 3]
    again = gatehouse("audit", "export", str(file))
    assert (again.status, "File exists" in again.err) == (1, True)


def test_a_log_that_is_whole_passes(gatehouse: Run, environment: Environment, lab: AuditLab) -> None:
    lab.acts(3)
    verified = gatehouse("audit", "verify", settings=environment)
    assert (verified.status, verified.out) == (0, "3 entries of 1 chains verified; all are whole.\n")
    assert json.loads(gatehouse("audit", "verify", "--json").out) == {
        "chains": 1,
        "entries": 3,
        "found": 0,
        "findings": [],
    }


def test_a_log_that_was_tampered_with_fails_and_says_where(
    gatehouse: Run, environment: Environment, lab: AuditLab
) -> None:
    org_id = organization(lab)
    lab.acts(3)
    lab.acts(4, org_id)
    lab.tamper("DELETE FROM admin_audit_logs WHERE org_id = %s AND sequence = 2", org_id)
    verified = gatehouse("audit", "verify", settings=environment)
    assert verified.status == 1
    assert f"organization {org_id}:\n  Entry 2 was removed.\n" in verified.out
    assert "6 entries of 2 chains verified; 1 chains are not whole." in verified.out
    (finding,) = json.loads(gatehouse("audit", "verify", "--json").out)["findings"]
    assert (finding["kind"], finding["first"], finding["org_id"]) == ("removed", 2, str(org_id))
    assert gatehouse("audit", "verify", "--org", str(PLATFORM_ORG_ID)).status == 0
    assert "no such organization" in gatehouse("audit", "verify", "--org", "nobody").err
    assert "no such organization" in gatehouse("audit", "list", "--org", "nobody").err


def test_heads_that_were_kept_tell_of_a_log_that_was_written_anew(
    gatehouse: Run, environment: Environment, lab: AuditLab, tmp_path: Path
) -> None:
    lab.acts(3)
    kept = tmp_path / "heads.json"
    kept.write_text(gatehouse("audit", "head", "--json", settings=environment).out)
    lab.acts(1)
    # Several calls appended to one file are as good.
    kept.write_text(kept.read_text() + gatehouse("audit", "head", "--json").out)
    assert gatehouse("audit", "verify", "--against", str(kept)).status == 0
    lab.tamper("DELETE FROM admin_audit_logs")
    lab.tamper("DELETE FROM audit_heads")
    lab.acts(5)
    assert gatehouse("audit", "verify").status == 0
    verified = gatehouse("audit", "verify", "--against", str(kept))
    assert (verified.status, verified.out.count("is not the one that was noted")) == (1, 2)
    kept.write_text("heads")
    refused = gatehouse("audit", "verify", "--against", str(kept))
    assert (refused.status, "gatehouse audit head --json" in refused.err) == (1, True)


def test_maintenance_fails_while_the_log_is_not_whole(gatehouse: Run, environment: Environment, lab: AuditLab) -> None:
    lab.acts(2)
    assert gatehouse("jobs", "run", "audit-verify", settings=environment).status == 0
    lab.tamper("UPDATE admin_audit_logs SET reason = 'another' WHERE sequence = 1")
    failed = gatehouse("jobs", "run", "audit-verify")
    assert (failed.status, "not whole" in failed.err) == (1, True)
    assert "audit_broken" in gatehouse("notices", "list").out
