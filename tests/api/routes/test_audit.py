"""/api/v1/audit: searched, paged and exported, each by whom it concerns and nobody else."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from domain.audit.actions import ACTIONS
from domain.audit.record import Act, record
from domain.kernel.ids import new_id
from tests.api.conftest import ADMIN_TOKEN
from tests.support.app_client import AppClient
from tests.support.audit_lab import ACTOR, AuditLab, audit_lab, organization

if TYPE_CHECKING:
    from tests.support.databases import DatabaseUrls

pytestmark = pytest.mark.integration
ADMIN = {"authorization": f"Bearer {ADMIN_TOKEN}"}
PATH = "/api/v1/audit"


@pytest.fixture
def lab(database_urls: DatabaseUrls) -> Iterator[AuditLab]:
    with audit_lab(database_urls) as lab:
        yield lab


def acted(lab: AuditLab, target: str, org_id: UUID, reason: str | None = None) -> UUID:
    with lab.database.tenant_scope(org_id) as session:
        return record(session, ACTOR, Act("job.cancel", "job", target, reason))


def test_acts_are_listed_newest_first_page_by_page(client: AppClient, lab: AuditLab) -> None:
    ids = [str(id_) for id_ in lab.acts(5)]
    first = client.get(PATH, params={"limit": 2}, headers=ADMIN).json()
    second = client.get(PATH, params={"limit": 2, "after": first["next"]}, headers=ADMIN).json()
    third = client.get(PATH, params={"limit": 2, "after": second["next"]}, headers=ADMIN).json()
    assert [item["id"] for page in (first, second, third) for item in page["items"]] == ids[::-1]
    assert third["next"] is None
    (shown,) = third["items"]
    assert shown == {
        **client.get(f"{PATH}/{ids[0]}", headers=ADMIN).json(),
        "action": "job.cancel",
        "words": "cancelled a job",
        "actor": "night shift",
        "ip": "192.0.2.7",
        "sequence": 1,
    }


def test_a_search_means_what_it_says(client: AppClient, lab: AuditLab) -> None:
    org_id = organization(lab)
    meant = acted(lab, "j7", org_id)
    later = client.get(f"{PATH}/{lab.act(target='j8')}", headers=ADMIN).json()
    since = later["created_at"]
    for name, value in (("target_id", "j7"), ("org_id", str(org_id)), ("until", str(since))):
        found = client.get(PATH, params={name: value}, headers=ADMIN).json()["items"]
        assert [item["id"] for item in found] == [str(meant)], name
    assert client.get(PATH, params={"action": "queue"}, headers=ADMIN).json()["items"] == []


@pytest.mark.parametrize(
    "params", [{"after": "nonsense"}, {"since": "2026-01-01T00:00:00"}, {"actor": ""}, {"limit": 0}, {"org_id": "a"}]
)
def test_a_search_that_makes_no_sense_is_refused(client: AppClient, params: dict[str, str]) -> None:
    assert client.get(PATH, params=params, headers=ADMIN).status_code == 422


def test_nobody_unknown_sees_anything(client: AppClient) -> None:
    for path in (PATH, f"{PATH}/export", f"{PATH}/actions", f"{PATH}/{new_id()}"):
        assert client.get(path).status_code == 401


def test_an_organization_that_is_named_is_the_only_one_seen(client: AppClient, lab: AuditLab) -> None:
    orgs = [organization(lab), organization(lab)]
    entries = [acted(lab, "j1", org_id) for org_id in orgs]
    headers = {**ADMIN, "x-org-id": str(orgs[0])}
    assert [item["id"] for item in client.get(PATH, headers=headers).json()["items"]] == [str(entries[0])]
    assert client.get(PATH, params={"org_id": str(orgs[1])}, headers=headers).json()["items"] == []
    assert client.get(f"{PATH}/{entries[1]}", headers=headers).status_code == 404


def test_the_actions_there_are_have_words(client: AppClient) -> None:
    items = client.get(f"{PATH}/actions", headers=ADMIN).json()["items"]
    assert {item["action"]: item["words"] for item in items} == ACTIONS


def test_an_export_holds_every_entry_and_is_one_itself(client: AppClient, lab: AuditLab) -> None:
    org_id = organization(lab)
    lab.fill(1_203, org_id)
    headers = {**ADMIN, "x-org-id": str(org_id)}
    answer = client.get(f"{PATH}/export", params={"format": "json", "action": "job"}, headers=headers)
    assert answer.headers["content-type"] == "application/json"
    assert "attachment" in answer.headers["content-disposition"]
    items = json.loads(answer.text)
    assert [item["sequence"] for item in items] == list(range(1_203, 0, -1))
    (newest,) = client.get(PATH, params={"limit": 1}, headers=headers).json()["items"]
    assert (newest["action"], newest["after"]) == ("audit.export", {"action": "job"})
    assert lab.findings() == []


def test_an_empty_export_is_a_list_too(client: AppClient) -> None:
    params = {"format": "json", "action": "queue"}
    assert client.get(f"{PATH}/export", params=params, headers=ADMIN).json() == []


def test_no_cell_of_an_export_is_a_formula(client: AppClient, lab: AuditLab) -> None:
    org_id = organization(lab)
    acted(lab, "j1", org_id, reason='=HYPERLINK("https://example.com")\nand a line')
    answer = client.get(f"{PATH}/export", params={"action": "job"}, headers={**ADMIN, "x-org-id": str(org_id)})
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    (row,) = csv.DictReader(io.StringIO(answer.text, newline=""))
    assert row["reason"] == '\'=HYPERLINK("https://example.com")\nand a line'
    assert row["target_id"] == "j1"
