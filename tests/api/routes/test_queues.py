"""Queues, limits, weights, jobs, notices and the audit log by HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from domain.kernel.ids import new_id
from domain.notices.raising import NoticeKind, raise_notice
from domain.queue.draining import complete_drains
from migrations.seeds import apply
from migrations.seeds.demo import ORGANIZATION_ID
from tests.api.conftest import ADMIN_TOKEN
from tests.support.queue_kinds import Note
from tests.support.queue_lab import Lab
from tests.support.queue_lab import lab as open_lab

if TYPE_CHECKING:
    from tests.support.app_client import AppClient
    from tests.support.databases import DatabaseUrls

pytestmark = pytest.mark.integration
NOBODY = "01900000-0000-7000-8000-000000000000"
"""An id of nothing; the same in each process of a run, because it is part of tests' names."""
BEARER = {"authorization": f"Bearer {ADMIN_TOKEN}"}


@pytest.fixture
def lab(database_urls: DatabaseUrls, client: AppClient) -> Iterator[Lab]:
    apply(database_urls.platform, "demo")
    client.headers.update(BEARER)
    with open_lab(database_urls) as opened:
        yield opened


def _acts(client: AppClient, **params: str) -> list[tuple[str, str, str | None]]:
    items = client.get("/api/v1/audit", params=params).json()["items"]
    return [(item["action"], item["target_id"], item["reason"]) for item in items]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/v1/queues"),
        ("GET", "/api/v1/queues/bulk"),
        ("POST", "/api/v1/queues/bulk/pause"),
        ("POST", "/api/v1/queues/bulk/resume"),
        ("POST", "/api/v1/queues/bulk/drain"),
        ("GET", "/api/v1/limits"),
        ("PUT", "/api/v1/limits"),
        ("DELETE", f"/api/v1/limits/{NOBODY}"),
        ("GET", "/api/v1/weights"),
        ("PUT", f"/api/v1/weights/{NOBODY}"),
        ("GET", f"/api/v1/jobs/{NOBODY}"),
        ("POST", f"/api/v1/jobs/{NOBODY}/cancel"),
        ("POST", f"/api/v1/jobs/{NOBODY}/run-now"),
        ("GET", "/api/v1/notices"),
        ("POST", f"/api/v1/notices/{NOBODY}/resolve"),
        ("GET", "/api/v1/audit"),
    ],
)
def test_strangers_are_refused(client: AppClient, method: str, path: str) -> None:
    assert client.request(method, path, json={}).status_code == 401


def test_queues_are_shown_with_their_depths(client: AppClient, lab: Lab) -> None:
    lab.backlog(ORGANIZATION_ID, 3)
    lab.execute("UPDATE jobs SET run_at = now() - interval '1 minute'")
    found = {queue["name"]: queue for queue in client.get("/api/v1/queues").json()["items"]}
    assert list(found) == ["inbound", "outbound", "default", "bulk", "maintenance"]
    assert found["default"]["jobs"]["available"] == 3
    assert 59 < found["default"]["oldest_seconds"] < 90
    assert found["default"]["window"] > 0
    assert (found["bulk"]["jobs"]["available"], found["bulk"]["paused_at"]) == (0, None)


def test_a_queue_is_paused_and_resumed_on_record(client: AppClient, lab: Lab) -> None:
    paused = client.post("/api/v1/queues/default/pause", json={"reason": "Twilio is down"}).json()
    assert (paused["paused_at"] is not None, paused["because"]) == (True, "Twilio is down")
    assert lab.claim(lab.enqueue(Note())) == []
    resumed = client.post("/api/v1/queues/default/resume", json={}).json()
    assert (resumed["paused_at"], resumed["because"]) == (None, None)
    assert _acts(client) == [("queue.resume", "default", None), ("queue.pause", "default", "Twilio is down")]
    assert client.post("/api/v1/queues/default/pause", json={"reason": " "}).status_code == 422
    assert client.post("/api/v1/queues/nothing/pause", json={"reason": "a"}).status_code == 404
    assert len(_acts(client)) == 2


def test_a_queue_is_drained(client: AppClient, lab: Lab) -> None:
    draining = client.post("/api/v1/queues/bulk/drain", json={"reason": "deploy"}).json()
    assert (draining["draining_at"] is not None, draining["paused_at"]) == (True, None)
    complete_drains(lab.connection)
    drained = client.get("/api/v1/queues/bulk").json()
    assert (drained["draining_at"], drained["paused_at"] is not None, drained["because"]) == (None, True, "deploy")
    assert client.post("/api/v1/queues/bulk/drain", json={"reason": "again"}).status_code == 409


@pytest.mark.usefixtures("lab")
def test_limits_are_set_changed_and_removed(client: AppClient) -> None:
    rule = {"tenant_id": str(ORGANIZATION_ID), "kind": "delivery.send", "max_running": 3, "reason": "their wish"}
    limit_id = client.put("/api/v1/limits", json=rule).json()["id"]
    assert client.put("/api/v1/limits", json=rule | {"max_running": 5}).json()["id"] == limit_id
    (limit,) = client.get("/api/v1/limits").json()["items"]
    assert (limit["id"], limit["max_running"], limit["per_minute"], limit["held"]) == (limit_id, 5, None, 0)
    assert client.put("/api/v1/limits", json={"max_running": 5}).status_code == 422
    assert client.put("/api/v1/limits", json=rule | {"tenant_id": str(new_id())}).status_code == 404
    assert client.delete(f"/api/v1/limits/{limit_id}").status_code == 204
    assert client.delete(f"/api/v1/limits/{limit_id}").status_code == 404
    assert [act[0] for act in _acts(client)] == ["queue.unlimit", "queue.limit", "queue.limit"]


@pytest.mark.usefixtures("lab")
def test_weights_are_set(client: AppClient) -> None:
    path = f"/api/v1/weights/{ORGANIZATION_ID}"
    assert client.put(path, json={"weight": 4, "reason": "enterprise"}).status_code == 200
    assert client.get("/api/v1/weights").json()["items"] == [{"tenant_id": str(ORGANIZATION_ID), "weight": 4}]
    assert client.put(path, json={"weight": 0}).status_code == 422
    assert client.put(f"/api/v1/weights/{new_id()}", json={"weight": 2}).status_code == 404
    assert _acts(client) == [("queue.weigh", str(ORGANIZATION_ID), "enterprise")]


def test_a_job_is_shown_run_now_and_cancelled(client: AppClient, lab: Lab) -> None:
    job_id = lab.enqueue(Note("+15005550123"), run_at=datetime.now(UTC) + timedelta(hours=1), org_id=ORGANIZATION_ID)
    path = f"/api/v1/jobs/{job_id}"
    shown = client.get(path).json()
    assert (shown["state"], shown["args"]) == ("scheduled", {"text": "[text 12 chars]"})
    assert client.post(f"{path}/run-now", json={}).json()["state"] == "available"
    assert client.post(f"{path}/run-now", json={}).status_code == 409
    assert client.post(f"{path}/cancel", json={"reason": "double"}).json()["state"] == "cancelled"
    assert client.post(f"{path}/cancel", json={}).status_code == 409
    for missing in ("cancel", "run-now"):
        assert client.post(f"/api/v1/jobs/{new_id()}/{missing}", json={}).status_code == 404
    assert client.get(f"/api/v1/jobs/{new_id()}").status_code == 404
    assert _acts(client, target_id=str(job_id)) == [
        ("job.cancel", str(job_id), "double"),
        ("job.run_now", str(job_id), None),
    ]


def test_a_running_job_is_asked_to_be_cancelled(client: AppClient, lab: Lab) -> None:
    run = lab.run(lab.enqueue(Note()))
    asked: dict[str, Any] = client.post(f"/api/v1/jobs/{run.job_id}/cancel", json={}).json()
    assert (asked["state"], asked["cancel_requested_at"] is not None) == ("executing", True)


def test_notices_are_listed_and_resolved(client: AppClient, lab: Lab) -> None:
    with lab.database.platform_scope() as session:
        for subject in ("a", "b"):
            raise_notice(session, NoticeKind.DEAD_LETTER, subject, "It died.", org_id=ORGANIZATION_ID, times=3)
    newest, oldest = client.get("/api/v1/notices").json()["items"]
    assert (newest["subject"], newest["count"], oldest["subject"]) == ("b", 3, "a")
    first = client.get("/api/v1/notices", params={"limit": 1}).json()
    assert client.get("/api/v1/notices", params={"after": first["next"]}).json()["items"] == [oldest]
    resolve = f"/api/v1/notices/{newest['id']}/resolve"
    assert client.post(resolve, json={"reason": "seen"}).json()["resolved_by"] == "admin token"
    assert client.post(resolve, json={}).status_code == 409
    assert client.get("/api/v1/notices").json()["items"] == [oldest]
    assert [n["id"] for n in client.get("/api/v1/notices?resolved=true").json()["items"]] == [newest["id"]]
    assert _acts(client, action="notice.resolve") == [("notice.resolve", newest["id"], "seen")]


@pytest.mark.usefixtures("lab")
def test_the_audit_log_is_paged_and_filtered(client: AppClient) -> None:
    for name in ("bulk", "default", "inbound"):
        client.post(f"/api/v1/queues/{name}/pause", json={"reason": name})
    first = client.get("/api/v1/audit", params={"limit": 2}).json()
    assert [item["target_id"] for item in first["items"]] == ["inbound", "default"]
    rest = client.get("/api/v1/audit", params={"limit": 2, "after": first["next"]}).json()
    assert ([item["target_id"] for item in rest["items"]], rest["next"]) == (["bulk"], None)
    since = first["items"][1]["created_at"]
    assert [act[1] for act in _acts(client, since=since)] == ["inbound", "default"]
    assert [act[1] for act in _acts(client, until=since)] == ["bulk"]
    assert _acts(client, action="queue.resume") == []
