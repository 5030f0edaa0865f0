"""What replies are grounded in by HTTP: listed, added, changed, ordered, removed, exported, imported."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from domain.kernel.database import Database
from domain.replies.entries import LONGEST_BODY
from domain.replies.search import search_knowledge
from migrations.seeds import apply
from migrations.seeds.demo import CLIENT_ID, ORGANIZATION_ID
from migrations.seeds.test import CLIENT_ID as THEIRS
from tests.api.conftest import ADMIN_TOKEN

if TYPE_CHECKING:
    from tests.support.app_client import AppClient
    from tests.support.databases import DatabaseUrls

pytestmark = pytest.mark.integration
PATH = f"/api/v1/clients/{CLIENT_ID}/knowledge"
NOBODY = "01900000-0000-7000-8000-000000000000"
NEW = {"kind": "faq", "title": "Do you fix zeppelins?", "body": "Yes, every Tuesday.", "keywords": "airship"}


@pytest.fixture
def operator(client: AppClient, database_urls: DatabaseUrls) -> AppClient:
    apply(database_urls.platform, "test")
    client.headers["authorization"] = f"Bearer {ADMIN_TOKEN}"
    return client


def _entries(client: AppClient, **params: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = client.get(PATH, params=params).json()["items"]
    return items


def _acts(client: AppClient) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = client.get("/api/v1/audit").json()["items"]
    return items


def test_an_entry_is_in_the_next_reply_as_soon_as_it_is_there(operator: AppClient, database_urls: DatabaseUrls) -> None:
    with closing(Database(database_urls.app, database_urls.platform)) as database:

        def answers() -> list[str]:
            with database.tenant_scope(ORGANIZATION_ID) as session:
                return [one.body for one in search_knowledge(session, CLIENT_ID, "Do you repair my zeppelin?")]

        assert NEW["body"] not in answers()
        entry = operator.post(PATH, json=NEW).json()
        assert answers()[0] == NEW["body"]
        operator.patch(f"{PATH}/{entry['id']}", json={"version": 1, "body": "No longer."})
        assert answers()[0] == "No longer."
        operator.patch(f"{PATH}/{entry['id']}", json={"version": 2, "enabled": False})
        assert "No longer." not in answers()


def test_each_act_is_on_record_with_its_kind_and_without_the_text(operator: AppClient) -> None:
    entry = operator.post(PATH, json=NEW).json()
    operator.patch(f"{PATH}/{entry['id']}", json={"version": 1, "body": "Not any more.", "price": "$5"})
    assert operator.delete(f"{PATH}/{entry['id']}").status_code == 204
    removed, changed, added = _acts(operator)
    assert [one["action"] for one in (removed, changed, added)] == [
        "knowledge.removed",
        "knowledge.changed",
        "knowledge.added",
    ]
    assert {(one["target_id"], one["org_id"], one["client_id"]) for one in (removed, changed, added)} == {
        (entry["id"], str(ORGANIZATION_ID), str(CLIENT_ID))
    }
    assert (added["after"]["kind"], added["after"]["title"]) == ("faq", NEW["title"])
    assert added["after"]["body"] == "[text 19 chars]"
    assert changed["before"] == {
        "kind": "faq",
        "title": NEW["title"],
        "body": "[text 19 chars]",
        "price": None,
    }
    assert changed["after"]["price"] == "$5"
    assert removed["before"]["title"] == NEW["title"]


def test_a_change_of_what_somebody_else_changed_meanwhile_is_a_conflict(operator: AppClient) -> None:
    entry = operator.post(PATH, json=NEW).json()
    change = {"version": entry["version"], "title": "Another"}
    assert operator.patch(f"{PATH}/{entry['id']}", json=change).json()["version"] == 2
    assert operator.patch(f"{PATH}/{entry['id']}", json=change).status_code == 409
    assert operator.delete(f"{PATH}/{entry['id']}", params={"version": 1}).status_code == 409
    assert operator.get(f"{PATH}/{entry['id']}").json()["title"] == "Another"


@pytest.mark.parametrize(
    "wrong",
    [
        {"title": ""},
        {"title": "   "},
        {"body": "a" * (LONGEST_BODY + 1)},
        {"kind": "gossip"},
        {"keywords": "\u0000"},
        {"surprise": 1},
    ],
)
def test_what_does_not_fit_is_refused(operator: AppClient, wrong: dict[str, Any]) -> None:
    assert operator.post(PATH, json=NEW | wrong).status_code == 422


def test_entries_are_put_into_an_order(operator: AppClient) -> None:
    ids = [one["id"] for one in _entries(operator, kind="service")][::-1]
    ordered = operator.put(f"{PATH}/order", json={"kind": "service", "ids": ids})
    assert [one["id"] for one in ordered.json()["items"]] == ids
    assert [one["id"] for one in _entries(operator, kind="service")] == ids
    assert _acts(operator)[0]["action"] == "knowledge.reordered"
    for some in (ids[1:], [*ids, ids[0]], [NOBODY, *ids[1:]]):
        assert operator.put(f"{PATH}/order", json={"kind": "service", "ids": some}).status_code == 409


def test_what_is_exported_can_be_imported_and_changes_nothing(operator: AppClient) -> None:
    document = operator.get(f"{PATH}/export").json()
    answer = operator.post(f"{PATH}/replace", json=document).json()
    assert (answer["added"], answer["changed"], answer["removed"]) == ([], [], [])
    assert answer["unchanged"] == len(document["entries"]) > 5


def test_an_import_is_shown_first_and_then_done_as_a_whole(operator: AppClient) -> None:
    before = _entries(operator)
    known = next(one for one in before if one["kind"] == "faq")
    entries = [NEW, {"kind": "faq", "title": known["title"].upper(), "body": "Something else."}]
    shown = operator.post(f"{PATH}/import", json={"entries": entries, "dry_run": True}).json()
    assert shown["added"] == ["faq: Do you fix zeppelins?"]
    assert shown["changed"][0].startswith(f"faq: {known['title']} (body")
    assert (shown["removed"], shown["dry_run"], _entries(operator)) == ([], True, before)
    done = operator.post(f"{PATH}/import", json={"entries": entries}).json()
    assert done == shown | {"dry_run": False}
    assert len(_entries(operator)) == len(before) + 1
    operator.post(f"{PATH}/replace", json={"entries": entries})
    assert {one["body"] for one in _entries(operator)} == {NEW["body"], "Something else."}
    twice = operator.post(f"{PATH}/import", json={"entries": [NEW, NEW]})
    assert (twice.status_code, "Entry 2" in twice.json()["detail"]) == (422, True)


def test_an_entry_of_another_client_is_not_found(operator: AppClient) -> None:
    (theirs, *_) = operator.get(f"/api/v1/clients/{THEIRS}/knowledge").json()["items"]
    path = f"{PATH}/{theirs['id']}"
    answers = [operator.get(path), operator.patch(path, json={"version": 1}), operator.delete(path)]
    assert [answer.status_code for answer in answers] == [404, 404, 404]
    assert operator.get(f"/api/v1/clients/{NOBODY}/knowledge").status_code == 404
    elsewhere = operator.get(PATH, headers={"x-org-id": "01930000-0000-7000-8000-000000000011"})
    assert elsewhere.status_code == 404
