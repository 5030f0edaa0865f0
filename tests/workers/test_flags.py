"""A change of a flag made in one process is in force in the others, api and worker, within a second."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from pydantic import SecretStr

from api.app import create_app
from domain.audit.record import Actor
from domain.flags.change import Change, change_flag
from domain.flags.definitions import OUTBOUND_STOPPED
from tests.support.eventually import eventually
from tests.support.live_app import LiveApp
from tests.support.private_redis import PrivateRedis
from tests.support.worker_floor import Floor
from tests.support.worker_kinds import WatchFlag
from tests.support.worker_process import worker_process

if TYPE_CHECKING:
    from fastapi import FastAPI

    from tests.support.queue_lab import Lab

pytestmark = pytest.mark.integration
WITHIN = 1.0
TOKEN = "admin-token-for-tests-0123456789"
PATH = f"/api/v1/flags/{OUTBOUND_STOPPED.key}"


@pytest.mark.parametrize("redis_is", ["there", "away"])
def test_a_switch_thrown_by_http_is_seen_by_a_running_worker(lab: Lab, tmp_path: Path, redis_is: str) -> None:
    with PrivateRedis() as redis:
        floor = Floor(lab.urls, redis.url, redis.url, tmp_path)

        def application(url: str) -> FastAPI:
            given = {"admin_token": SecretStr(TOKEN), "public_url": url}
            return create_app(floor.settings.model_copy(update=given))

        watching = lab.enqueue(WatchFlag(OUTBOUND_STOPPED.key))
        with worker_process(floor.settings), LiveApp(application) as app, app.client() as client, floor.scheduler():
            client.headers["authorization"] = f"Bearer {TOKEN}"
            lab.wait_state(watching, "executing")
            before = client.get(PATH).json()
            if redis_is == "away":
                redis.stop()
            thrown = client.patch(PATH, json={"version": before["version"], "default": True})
            committed = time.time()
            assert thrown.status_code == 200, thrown.text
            try:
                eventually(lambda: client.get(f"{PATH}/evaluation").json()["in_force"], within=WITHIN)
                lab.wait_state(watching, "completed")
                assert lab.attempts(watching)[0]["finished_at"].timestamp() - committed < WITHIN
            finally:
                _put_back(lab)


def _put_back(lab: Lab) -> None:
    # The tests of this directory share a database.
    with lab.database.platform_scope() as session:
        change_flag(session, OUTBOUND_STOPPED.key, Change(default=False), Actor("test", "operator"))
