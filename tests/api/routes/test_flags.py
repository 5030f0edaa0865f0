"""Flags, kill switches and settings by HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from domain.flags.definitions import DEFINITIONS
from migrations.seeds import apply
from migrations.seeds.demo import CLIENT_ID, ORGANIZATION_ID
from tests.api.conftest import ADMIN_TOKEN
from tests.support.eventually import eventually

if TYPE_CHECKING:
    from tests.support.app_client import AppClient
    from tests.support.databases import DatabaseUrls

pytestmark = pytest.mark.integration
SWITCH = "/api/v1/flags/platform.outbound_stopped"
MINUTES = "/api/v1/flags/conversations.takeover_minutes"


@pytest.fixture
def operator(client: AppClient) -> AppClient:
    client.headers["authorization"] = f"Bearer {ADMIN_TOKEN}"
    return client


def _acts(client: AppClient) -> list[tuple[str, str]]:
    return [(item["action"], item["target_id"]) for item in client.get("/api/v1/audit").json()["items"]]


def _new(key: str = "own.flag", **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - any field
    return {"key": key, "value_type": "boolean", "default": False, "about": "Ours."} | changes


def test_what_the_code_reads_is_listed_with_who_reads_it(operator: AppClient) -> None:
    items = operator.get("/api/v1/flags").json()["items"]
    assert {item["key"]: item["read_by"] for item in items} == {d.key: d.read_by for d in DEFINITIONS.values()}
    first = operator.get("/api/v1/flags", params={"limit": 2}).json()
    rest = operator.get("/api/v1/flags", params={"after": first["next"]}).json()
    assert [*first["items"], *rest["items"]] == items
    assert {i["kind"] for i in operator.get("/api/v1/flags?kind=kill_switch").json()["items"]} == {"kill_switch"}


def test_a_switch_is_thrown_and_put_back(operator: AppClient) -> None:
    thrown = operator.patch(SWITCH, json={"version": 1, "default": True, "reason": "The provider is down."})
    assert (thrown.status_code, thrown.json()["default"], thrown.json()["version"]) == (200, True, 2)
    back = operator.post(f"{SWITCH}/revert", json={"version": 2, "to": 1}).json()
    assert (back["default"], back["version"]) == (False, 3)
    newest, middle, first = operator.get(f"{SWITCH}/revisions").json()["items"]
    assert [newest["changes"], middle["changes"], first["changes"]] == [
        ["default: true → false"],
        ["default: false → true"],
        None,
    ]
    assert (middle["reason"], first["actor"]) == ("The provider is down.", "release")
    page = operator.get(f"{SWITCH}/revisions", params={"limit": 1}).json()
    assert page["items"] == [newest]
    older = operator.get(f"{SWITCH}/revisions", params={"limit": 2, "after": page["next"]}).json()
    assert (older["items"], older["next"]) == ([middle, first], None)
    assert [act for act, _ in _acts(operator)] == ["kill_switch.reverted", "kill_switch.changed"]


def test_a_change_is_in_force_in_this_process_at_once(operator: AppClient) -> None:
    operator.patch(SWITCH, json={"version": 1, "default": True})
    eventually(lambda: operator.get(f"{SWITCH}/evaluation").json()["in_force"] is True, within=1)


def test_a_change_that_came_too_late_is_told_what_happened(operator: AppClient) -> None:
    operator.patch(SWITCH, json={"version": 1, "default": True})
    late = operator.patch(SWITCH, json={"version": 1, "default": True})
    assert late.status_code == 409
    assert "default: false → true" in late.json()["detail"]


@pytest.mark.parametrize(
    "change",
    [
        {"default": "yes"},
        {"default": 1},
        {"targets": [{"value": True}]},
        {"targets": [{"value": True, "percentage": 101}]},
        {"targets": [{"value": True, "client_id": "01900000-0000-7000-8000-000000000000"}]},
        {"surprise": 1},
        {"reason": "a\u0000"},
    ],
)
def test_what_does_not_fit_is_refused_in_words(operator: AppClient, change: dict[str, Any]) -> None:
    answer = operator.patch(SWITCH, json={"version": 1} | change)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert operator.get(SWITCH).json()["version"] == 1


def test_a_setting_out_of_bounds_is_refused(operator: AppClient) -> None:
    answer = operator.patch(MINUTES, json={"version": 1, "default": 0})
    assert (answer.status_code, "between 1 and 10080" in answer.json()["detail"]) == (422, True)


def test_a_client_is_told_what_it_gets_and_why(operator: AppClient, database_urls: DatabaseUrls) -> None:
    apply(database_urls.platform, "demo")
    targets = [
        {"value": 15, "client_id": str(CLIENT_ID)},
        {"value": 30, "tenant_id": str(ORGANIZATION_ID), "percentage": 100},
    ]
    changed = operator.patch(MINUTES, json={"version": 1, "targets": targets}).json()
    assert [one["value"] for one in changed["targets"]] == [15, 30]
    asked = [
        operator.get(f"{MINUTES}/evaluation", params=who).json()
        for who in ({"client_id": str(CLIENT_ID)}, {"org_id": str(ORGANIZATION_ID)}, {})
    ]
    assert [(one["value"], one["reason"], one["variant"]) for one in asked] == [
        (15, "TARGETING_MATCH", "target-0"),
        (30, "SPLIT", "target-1"),
        (60, "DEFAULT", "default"),
    ]
    assert asked[2]["words"] == "No target fits, so it is the default."


def test_operators_flags_are_created_archived_and_brought_back(operator: AppClient) -> None:
    created = operator.post("/api/v1/flags", json=_new())
    assert (created.status_code, created.json()["read_by"]) == (201, None)
    assert operator.post("/api/v1/flags", json=_new()).status_code == 409
    archived = operator.post("/api/v1/flags/own.flag/archive", json={"version": 1}).json()
    assert archived["archived_at"] is not None
    assert operator.get("/api/v1/flags/own.flag/evaluation").json()["reason"] == "DISABLED"
    assert operator.post("/api/v1/flags/own.flag/revert", json={"version": 2, "to": 1}).json()["archived_at"] is None
    assert operator.post(f"{SWITCH}/archive", json={"version": 1}).status_code == 409


@pytest.mark.parametrize(
    "new",
    [
        _new("A"),
        _new(default=None),
        _new(default="x"),
        _new(value_type="integer", default=2**60),
        _new(value_type="object", default={"a": "\u0000"}),
        _new(kind="kill_switch"),
        _new(about=""),
    ],
)
def test_a_flag_that_can_not_be_is_refused(operator: AppClient, new: dict[str, Any]) -> None:
    assert operator.post("/api/v1/flags", json=new).status_code == 422


@pytest.mark.parametrize("path", ["", "/revisions", "/evaluation"])
def test_an_unknown_flag_is_not_found(operator: AppClient, path: str) -> None:
    assert operator.get(f"/api/v1/flags/no.such{path}").status_code == 404


@pytest.mark.parametrize("path", ["/api/v1/flags", SWITCH, f"{SWITCH}/revisions", f"{SWITCH}/evaluation"])
def test_nobody_sees_flags_without_signing_in(client: AppClient, path: str) -> None:
    assert client.get(path).status_code == 401
