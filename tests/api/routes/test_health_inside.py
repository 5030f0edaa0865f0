"""Operators are told of the whole system, quickly, whatever of it is away."""

from __future__ import annotations

import time
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from api.app import create_app
from domain.kernel.recent_errors import PARTS, RecentErrors, note_error
from domain.queue.outcome import Dead
from providers.error_sharing import ErrorSharing
from tests.api.conftest import ADMIN_TOKEN
from tests.support.app_client import AppClient
from tests.support.eventually import eventually
from tests.support.queue_kinds import Note
from tests.support.queue_lab import Lab

if TYPE_CHECKING:
    import httpx

    from config.settings import Settings
    from tests.support.databases import DatabaseUrls

pytestmark = pytest.mark.integration

HEADERS = {"Authorization": f"Bearer {ADMIN_TOKEN}"}


def _asked(client: httpx.Client) -> httpx.Response:
    return client.get("/api/health/internal", headers=HEADERS)


def test_the_last_error_of_each_part_is_told_redacted(client: AppClient) -> None:
    before = (_asked(client).json()["errors"]["providers"] or {}).get("last_15_minutes", 0)
    note_error("providers", TimeoutError("no answer about +15005550006 within 10 s"))
    told = _asked(client).json()["errors"]
    assert set(told) == set(PARTS)
    last = told["providers"]
    assert (last["error_class"], last["words"]) == ("TimeoutError", "no answer about [phone …06] within 10 s")
    assert last["last_15_minutes"] == before + 1


def test_what_died_last_is_told_redacted(client: AppClient, database_urls: DatabaseUrls) -> None:
    lab = Lab(database_urls)
    try:
        job_id = lab.enqueue(Note())
        lab.end(lab.run(job_id), Dead("Nobody is called ann@example.com.", "NobodyError"))
    finally:
        lab.close()
    told = _asked(client).json()
    assert told["dead"] == 1
    (dead,) = told["last_errors"]
    assert (dead["job_id"], dead["kind"]) == (str(job_id), "test.note")
    assert "ann@" not in dead["error"]


def test_it_answers_while_the_servers_are_away(settings: Settings) -> None:
    # 192.0.2.1 is nobody's: what is sent there is not even refused.
    away = {
        "platform_database_url": type(settings.platform_database_url)("postgresql://u:hunter2@192.0.2.1/none"),
        "redis_url": type(settings.redis_url)("redis://:hunter2@127.0.0.1:1/0"),
    }
    with AppClient(create_app(settings.model_copy(update=away))) as client:
        began = time.monotonic()
        answer = _asked(client)
        assert time.monotonic() - began < 6
    told = answer.json()
    assert answer.status_code == 200
    assert told["checks"]["database"] == "ok"
    assert told["unknown"].keys() == {"queue", "errors"}
    assert (told["queues"], told["workers_alive"]) == (None, None)
    assert [store["store"] for store in told["spool"]] == ["files"]
    assert told["errors"]["redis"]["error_class"] == "ConnectionError"
    assert "hunter2" not in answer.text


def test_only_the_platforms_people_are_told(client: AppClient) -> None:
    assert client.get("/api/health/internal").status_code == 401


def test_errors_of_other_processes_are_told_as_well(client: AppClient, redis_url: str) -> None:
    theirs = RecentErrors()
    with closing(ErrorSharing(redis_url, "worker", theirs)) as worker:
        worker.start()
        theirs.note("dispatcher", RuntimeError("over there"))
        told = eventually(lambda: _asked(client).json()["errors"]["dispatcher"])
    assert told["words"] == "over there"
