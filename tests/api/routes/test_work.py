"""Lists of jobs and runs, schedules and workers by HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from domain.kernel.ids import new_id
from domain.queue.outcome import Done, Retry
from tests.api.conftest import ADMIN_TOKEN
from tests.support.queue_kinds import Errand, Note
from tests.support.queue_lab import OTHER_ORG, Lab
from tests.support.queue_lab import lab as open_lab

if TYPE_CHECKING:
    from tests.support.app_client import AppClient
    from tests.support.databases import DatabaseUrls

pytestmark = pytest.mark.integration


@pytest.fixture
def lab(database_urls: DatabaseUrls, client: AppClient) -> Iterator[Lab]:
    client.headers["authorization"] = f"Bearer {ADMIN_TOKEN}"
    with open_lab(database_urls) as opened:
        yield opened


def test_jobs_are_listed_filtered_and_paged(client: AppClient, lab: Lab) -> None:
    ids = [str(lab.enqueue(Note(str(number)))) for number in range(5)]
    errand = str(lab.enqueue(Errand(1), org_id=OTHER_ORG))
    lab.end(lab.run(lab.value("SELECT id FROM jobs ORDER BY id LIMIT 1")), Retry("to +15005550006", error_class="Odd"))

    def found(**query: str) -> list[str]:
        return [item["id"] for item in client.get("/api/v1/jobs", params=query).json()["items"]]

    assert found() == [errand, *reversed(ids)]
    for query in ({"queue": "bulk"}, {"kind": "test.errand"}, {"org_id": str(OTHER_ORG)}):
        assert found(**query) == [errand], query
    assert found(error_class="Odd", state="retryable") == [ids[0]]
    assert found(until="2020-01-01T00:00:00Z") == []
    first = client.get("/api/v1/jobs", params={"limit": 4}).json()
    rest = client.get("/api/v1/jobs", params={"limit": 4, "after": first["next"]}).json()
    assert [item["id"] for item in first["items"] + rest["items"]] == [errand, *reversed(ids)]
    assert (rest["next"], rest["looked_until"]) == (None, None)
    assert rest["items"][-1]["error"] == "to [phone …06]"
    for wrong in ({"state": "odd"}, {"queue": "odd"}, {"since": "yesterday"}, {"after": "x"}):
        assert client.get("/api/v1/jobs", params=wrong).status_code == 422


def test_runs_are_listed_by_worker(client: AppClient, lab: Lab) -> None:
    ids = [lab.enqueue(Note()) for _ in range(3)]
    for job_id in ids:
        lab.end(lab.run(job_id), Done("told +15005550006"))
    page = client.get("/api/v1/runs", params={"worker_id": str(lab.worker), "limit": 2}).json()
    rest = client.get("/api/v1/runs", params={"worker_id": str(lab.worker), "limit": 2, "after": page["next"]}).json()
    assert [item["job_id"] for item in page["items"] + rest["items"]] == [str(job_id) for job_id in reversed(ids)]
    assert page["items"][0]["reason"] == "told [phone …06]"
    assert client.get("/api/v1/runs", params={"worker_id": str(new_id())}).json()["items"] == []
    assert len(client.get("/api/v1/runs").json()["items"]) == 3


def test_schedules_are_shown_and_run(client: AppClient, lab: Lab) -> None:
    shown = {item["name"]: item for item in client.get("/api/v1/schedules").json()["items"]}
    assert (shown["delivery.poll"]["every_seconds"], shown["delivery.poll"]["standing"]) == (600, "never")
    asked = client.post("/api/v1/schedules/recover-inbound/run", json={"reason": "Texts are missing."})
    assert (asked.status_code, asked.json()["name"]) == (202, "conversations.recover_inbound")
    job_id = asked.json()["job_id"]
    assert lab.job(job_id)["kind"] == "conversations.recover_inbound"
    one = client.get("/api/v1/schedules/conversations.recover_inbound").json()
    assert (one["job_id"], one["standing"], one["command"]) == (job_id, "waiting", "recover-inbound")
    (act,) = client.get("/api/v1/audit", params={"action": "maintenance.run"}).json()["items"]
    assert (act["target_id"], act["reason"]) == ("conversations.recover_inbound", "Texts are missing.")
    assert client.post("/api/v1/schedules/delivery.poll/run", json={}).status_code == 422
    assert client.get("/api/v1/schedules/nothing").status_code == 404


def test_workers_are_shown_with_their_jobs(client: AppClient, lab: Lab) -> None:
    run = lab.run(lab.enqueue(Note()))
    (worker,) = client.get("/api/v1/workers").json()["items"]
    assert (worker["id"], worker["role"], worker["stopped_at"]) == (str(lab.worker), "worker", None)
    assert [job["id"] for job in worker["jobs"]] == [str(run.job_id)]


@pytest.mark.parametrize("path", ["jobs", "runs", "schedules", "workers", "schedules/delivery.poll"])
def test_strangers_are_refused(client: AppClient, path: str) -> None:
    assert client.get(f"/api/v1/{path}").status_code == 401
