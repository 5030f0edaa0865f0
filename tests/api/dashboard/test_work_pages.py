"""The pages of jobs, queues, workers and schedules: what they show, what they change, and for whom."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from api.app import create_app
from domain.kernel.ids import PLATFORM_ORG_ID, new_id
from domain.queue.outcome import Dead, Done, Retry
from domain.queue.presence import WorkerInfo, register
from tests.api.conftest import ADMIN_TOKEN
from tests.support.app_client import AppClient
from tests.support.queue_kinds import Errand, Note
from tests.support.queue_lab import ORG, OTHER_ORG, Lab
from tests.support.queue_lab import lab as open_lab
from tests.support.signing_in import add_person, csrf_of, sign_in, sign_in_by_token

if TYPE_CHECKING:
    from pathlib import Path
    from uuid import UUID

    import httpx

    from config.settings import Settings
    from tests.support.databases import DatabaseUrls

pytestmark = pytest.mark.integration
HTML = {"Accept": "text/html"}
JOBS, QUEUES, WORKERS, SCHEDULES = (f"/dashboard/{name}" for name in ("jobs", "queues", "workers", "schedules"))


@pytest.fixture
def lab(database_urls: DatabaseUrls, client: AppClient) -> Iterator[Lab]:
    """Give a queue, and have the client signed in with the admin token."""
    with open_lab(database_urls) as opened:
        sign_in_by_token(client, ADMIN_TOKEN)
        client.headers.update(HTML)
        yield opened


def _see(client: AppClient, path: str, status: int = 200, **query: object) -> str:
    answer = client.get(path, params={name: str(value) for name, value in query.items()} or None)
    assert answer.status_code == status, answer.text
    return answer.text


def _post(client: AppClient, path: str, page: str, **fields: str) -> httpx.Response:
    """Send a form of a page, with its token."""
    return client.post(path, data={"csrf_token": csrf_of(client, page), **fields})


def _acts(lab: Lab) -> list[tuple[str, str, str | None]]:
    rows = lab.rows("SELECT action, target_id, reason FROM admin_audit_logs WHERE action !~ 'sign' ORDER BY id")
    return [(row["action"], row["target_id"], row["reason"]) for row in rows]


def test_pages_without_anything_to_show_say_what_to_do(client: AppClient, lab: Lab) -> None:
    lab.execute("DELETE FROM workers")
    assert "send the demo business a text" in _see(client, JOBS)
    assert "in the last hour" in _see(client, JOBS, view="runs")
    assert "Nothing is limited" in _see(client, QUEUES)
    workers = _see(client, WORKERS)
    assert "No scheduler is running" in workers
    assert "No worker is running" in workers
    assert "gatehouse up" in workers
    schedules = _see(client, SCHEDULES)
    assert "No scheduler is running" in schedules
    assert "gatehouse jobs run audit-verify" in schedules


def test_jobs_are_listed_and_narrowed_by_what_is_known_of_them(client: AppClient, lab: Lab) -> None:
    note, errand = lab.enqueue(Note()), lab.enqueue(Errand(1), org_id=OTHER_ORG)
    lab.end(lab.run(note), Retry("no answer from +15005550006", error_class="OddError"))
    fingerprint = lab.job(note)["fingerprint"]
    page = _see(client, JOBS)
    assert page.index(str(errand)) < page.index(str(note))
    assert "no answer from [phone …06]" in page
    assert "5550006" not in page
    searches = {
        "state": "retryable",
        "kind": "test.note",
        "queue": "default",
        "org": ORG,
        "error": "OddError",
    }
    for name, value in [*searches.items(), ("error", fingerprint)]:
        page = _see(client, JOBS, **{name: value})
        assert str(note) in page, name
        assert str(errand) not in page, name
    for wrong in ({"state": "odd"}, {"org": "nobody"}, {"worker": "x"}, {"after": "x"}):
        _see(client, JOBS, 422, **wrong)


def test_a_list_is_paged_and_taken_away_whole(client: AppClient, lab: Lab) -> None:
    ids = lab.backlog(ORG, 55, state="completed")
    page = _see(client, JOBS)
    assert str(ids[-1]) in page
    assert str(ids[0]) not in page
    after = page.split("after=")[1].split('"')[0]
    older = _see(client, JOBS, after=after)
    assert str(ids[0]) in older
    rows = list(csv.reader(io.StringIO(_see(client, JOBS, format="csv", queue="default"))))
    assert len(rows) == 56
    assert rows[1][1:4] == ["test.note", "done", "default"]


def test_a_short_page_says_until_when_was_looked(client: AppClient, lab: Lab) -> None:
    (old,) = lab.backlog(ORG, 1, state="completed", queue="bulk")
    lab.execute(
        "INSERT INTO jobs (id, org_id, kind, queue, args, state, max_attempts)"
        " SELECT (lpad(to_hex((extract(epoch FROM now()) * 1000)::bigint + n), 12, '0')"
        " || '70008000000000000000')::uuid,"
        " %s, 'test.note', 'default', '{}', 'completed', 1 FROM generate_series(1, 5001) n",
        ORG,
    )
    page = _see(client, JOBS, queue="bulk")
    assert "Few fit" in page
    after = page.split("after=")[1].split('"')[0]
    assert str(old) in _see(client, JOBS, queue="bulk", after=after)


def test_runs_are_listed_by_worker_and_live(client: AppClient, lab: Lab) -> None:
    job_id = lab.enqueue(Note())
    lab.end(lab.run(job_id), Done("well"))
    queries: list[dict[str, Any]] = [{"view": "runs"}, {"view": "live"}, {"worker": str(lab.worker)}]
    for query in queries:
        page = _see(client, JOBS, **query)
        assert str(job_id) in page
        assert "well" in page
        assert '<option value="runs" selected>' in page or '<option value="live" selected>' in page
    live = _see(client, JOBS, view="live")
    assert 'sse-connect="/dashboard/events?topics=jobs"' in live
    assert 'data-pauses="tail"' in live
    assert str(job_id) not in _see(client, JOBS, worker=new_id())


def test_a_job_shows_its_history_with_its_arguments_redacted(client: AppClient, lab: Lab) -> None:
    job_id = lab.enqueue(Note("call +15005550123"))
    lab.end(lab.run(job_id), Retry("it broke", error_class="OddError"))
    lab.execute("UPDATE jobs SET state = 'available'")
    lab.end(lab.run(job_id), Dead("no hope", "HopelessError"))
    page = _see(client, f"{JOBS}/{job_id}")
    for words in (
        "[text 17 chars]",
        "it broke",
        "OddError",
        "no hope",
        f"/dashboard/dead-letters/{job_id}",
        "2 of at most",
    ):
        assert words in page
    assert "5550123" not in page
    assert "Cancel the job" not in page
    _see(client, f"{JOBS}/{new_id()}", 404)


def test_a_job_is_cancelled_and_run_now_with_a_reason_on_record(client: AppClient, lab: Lab) -> None:
    later = datetime.now(UTC) + timedelta(hours=1)
    first, second = lab.enqueue(Note(), run_at=later), lab.enqueue(Note(), run_at=later)
    answer = _post(client, f"{JOBS}/{first}/run-now", f"{JOBS}/{first}", reason="The provider is back.")
    assert (answer.status_code, answer.headers["location"]) == (303, f"{JOBS}/{first}")
    assert "It is due now" in _see(client, f"{JOBS}/{first}")
    _post(client, f"{JOBS}/{second}/cancel", f"{JOBS}/{second}", reason="It came twice.")
    assert "It is cancelled." in _see(client, f"{JOBS}/{second}")
    assert (lab.job(first)["state"], lab.job(second)["state"]) == ("available", "cancelled")
    assert _acts(lab) == [
        ("job.run_now", str(first), "The provider is back."),
        ("job.cancel", str(second), "It came twice."),
    ]
    assert _post(client, f"{JOBS}/{second}/cancel", f"{JOBS}/{second}").status_code == 409


def test_a_queue_is_paused_drained_and_resumed(client: AppClient, lab: Lab) -> None:
    lab.backlog(ORG, 3, queue="bulk")
    assert "3" in _see(client, QUEUES)
    answer = _post(client, f"{QUEUES}/bulk/pause", QUEUES, reason="The provider is down.")
    assert answer.headers["location"] == QUEUES
    page = _see(client, QUEUES)
    assert "bulk is paused." in page
    assert "The provider is down." in page
    _post(client, f"{QUEUES}/bulk/resume", QUEUES, reason="It is back.")
    _post(client, f"{QUEUES}/bulk/drain", QUEUES, reason="A deployment.")
    assert "draining" in _see(client, QUEUES)
    assert [act[0] for act in _acts(lab)] == ["queue.pause", "queue.resume", "queue.drain"]
    assert _post(client, f"{QUEUES}/bulk/pause", QUEUES, reason=" ").status_code == 422
    assert _post(client, f"{QUEUES}/nothing/pause", QUEUES, reason="x").status_code == 404


def test_limits_and_weights_are_set_and_taken_back(client: AppClient, lab: Lab) -> None:
    fields = {"org": str(ORG), "kind": "delivery.send", "max_running": "3", "reason": "Their wish."}
    assert _post(client, "/dashboard/limits", QUEUES, **fields).status_code == 303
    limit: UUID = lab.value("SELECT id FROM queue_limits")
    page = _see(client, QUEUES)
    assert "An organization, delivery.send" in page
    assert f"/dashboard/limits/{limit}/remove" in page
    _post(client, "/dashboard/weights", QUEUES, org=str(ORG), weight="4", reason="They pay for it.")
    assert "Jobs a round" in _see(client, QUEUES)
    _post(client, f"/dashboard/limits/{limit}/remove", QUEUES, reason="Over.")
    _post(client, "/dashboard/weights", QUEUES, org=str(ORG), weight="1", reason="Over.")
    assert [act[0] for act in _acts(lab)] == ["queue.limit", "queue.weigh", "queue.unlimit", "queue.weigh"]
    for wrong in ({"max_running": "many", "kind": "x"}, {"org": "x", "max_running": "1"}, {"max_running": "1"}):
        assert _post(client, "/dashboard/limits", QUEUES, **wrong).status_code == 422
    assert _post(client, "/dashboard/weights", QUEUES, org="", weight="2").status_code == 422


def test_workers_are_shown_with_what_they_do_and_what_their_silence_means(client: AppClient, lab: Lab) -> None:
    lab.execute("UPDATE workers SET rss_bytes = 123456789 WHERE id = %s", lab.worker)
    scheduler = WorkerInfo(new_id(), "elsewhere", 77, [], 0, "0", "scheduler", 1_000_000)
    register(lab.connection, scheduler)
    job_id = lab.run(lab.enqueue(Note())).job_id
    page = _see(client, WORKERS)
    assert "1 worker with 1 thread, of which 1 work now; 1 scheduler." in page
    assert f"/dashboard/jobs/{job_id}" in page
    assert "123 MB" in page
    assert "No worker takes jobs of inbound, outbound, bulk, maintenance." in page
    assert "elsewhere" in page
    lab.execute("UPDATE workers SET heartbeat_at = now() - interval '40 s'")
    page = _see(client, WORKERS)
    assert "Last heard of 40 s ago; its jobs run again within 20 s of that" in page
    assert "No scheduler is running" in page
    lab.execute("UPDATE workers SET stopped_at = now()")
    assert "Processes that stopped" in _see(client, WORKERS)


def test_a_schedule_is_run_now_with_a_reason(client: AppClient, lab: Lab) -> None:
    page = _see(client, SCHEDULES)
    assert "delivery.sweep" in page
    answer = _post(client, f"{SCHEDULES}/delivery.sweep/run", SCHEDULES, reason="A delivery hangs.")
    assert answer.headers["location"] == SCHEDULES
    page = _see(client, SCHEDULES)
    assert "delivery.sweep runs as soon as a worker is free." in page
    job_id = lab.value("SELECT id FROM jobs WHERE unique_key = 'delivery.sweep'")
    assert f"/dashboard/jobs/{job_id}" in page
    lab.end(lab.run(job_id), Done("2 deliveries ended."))
    assert "2 deliveries ended." in _see(client, SCHEDULES)
    assert ("maintenance.run", "delivery.sweep", "A delivery hangs.") in _acts(lab)
    assert _post(client, f"{SCHEDULES}/delivery.sweep/run", SCHEDULES, reason="").status_code == 422
    assert _post(client, f"{SCHEDULES}/nothing/run", SCHEDULES, reason="x").status_code == 404
    lab.execute("UPDATE schedules SET asked_at = now() - interval '2 hours'")
    assert "No scheduler asked for it, 23 times." in _see(client, SCHEDULES)


_WATCHER = {
    "schema": 2,
    "role": "watcher",
    "version": 1,
    "display_name": "Watcher",
    "about": "Looks at the platform and changes nothing",
    "inherits": "base",
    "permissions": {"queues.view": "platform", "health.view": "platform", "overview.view": "platform"},
}


def test_who_may_only_look_sees_everything_and_is_offered_no_change(
    settings: Settings, database_urls: DatabaseUrls, tmp_path: Path
) -> None:
    (tmp_path / "watcher.v1.json").write_text(json.dumps(_WATCHER))
    add_person(database_urls.platform, "wim@example.com", ("watcher", PLATFORM_ORG_ID, None))
    app = create_app(settings.model_copy(update={"roles_dir": tmp_path}))
    with AppClient(app) as client, open_lab(database_urls) as lab:
        sign_in(client, "wim@example.com")
        client.headers.update(HTML)
        job_id = lab.enqueue(Note(), run_at=datetime.now(UTC) + timedelta(hours=1))
        changes = {
            f"{JOBS}/{job_id}": [f"{JOBS}/{job_id}/cancel", f"{JOBS}/{job_id}/run-now"],
            QUEUES: [f"{QUEUES}/bulk/pause", "/dashboard/limits", "/dashboard/weights"],
            SCHEDULES: [f"{SCHEDULES}/delivery.poll/run"],
        }
        for page, posts in changes.items():
            shown = _see(client, page)
            for path in posts:
                assert f'action="{path}"' not in shown
                assert _post(client, path, page, reason="I want to.").status_code == 403
        assert "Live</a>" not in _see(client, JOBS)
        assert _see(client, JOBS, 403, format="csv")
        _see(client, WORKERS)
        assert lab.job(job_id)["state"] == "scheduled"
