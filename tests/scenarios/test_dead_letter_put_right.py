"""A customer's message that dies, and everything until it is answered after all: through running processes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import psycopg
import pytest

from migrations.seeds import apply
from migrations.seeds.demo import OWNER_PHONE
from tests.support.eventually import eventually
from tests.support.running_house import ADMIN_TOKEN, RunningHouse
from tests.support.twilio_webhook import CUSTOMER, sms_form

if TYPE_CHECKING:
    from tests.support.databases import DatabaseUrls

pytestmark = pytest.mark.scenario


@pytest.fixture
def superuser(database_urls: DatabaseUrls) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(database_urls.superuser, autocommit=True) as connection:
        yield connection


@pytest.fixture
def house(database_urls: DatabaseUrls, redis_url: str, broker_url: str, tmp_path: Path) -> Iterator[RunningHouse]:
    apply(database_urls.platform, "demo")
    settings = {"GATEHOUSE_WORKER_PROCESSES": "1"}
    with RunningHouse(database_urls, redis_url, broker_url, tmp_path, **settings) as running:
        yield running


def _texts(superuser: psycopg.Connection[Any], to: str) -> list[str]:
    query = "SELECT body FROM sandbox_messages WHERE to_address = %s ORDER BY attempt_id"
    return [row[0] for row in superuser.execute(query, (to,)).fetchall()]


def test_a_message_that_died_is_told_found_tried_dry_and_answered(
    house: RunningHouse, superuser: psycopg.Connection[Any]
) -> None:
    headers = {"authorization": f"Bearer {ADMIN_TOKEN}"}
    superuser.execute("ALTER TABLE knowledge_entries RENAME TO knowledge_that_is_away")
    with httpx.Client(base_url=house.url, headers=headers, timeout=30) as client:
        assert house.post(client, sms_form("What are your opening hours?")).status_code == 200
        retried = "SELECT id FROM jobs WHERE kind = 'conversations.process' AND state = 'retryable'"
        ((job_id,),) = eventually(lambda: superuser.execute(retried).fetchall(), within=30, what="The first failure")
        # Its tries would take minutes.
        superuser.execute("UPDATE jobs SET max_attempts = attempt + 1, run_at = now() WHERE id = %s", (job_id,))

        told = eventually(lambda: _texts(superuser, OWNER_PHONE), within=60, what="The owner's alert")
        assert CUSTOMER in told[0]
        assert "opening hours" in told[0]
        (notice,) = client.get("/api/v1/notices", params={"kind": "dead_letter"}).json()["items"]
        (group,) = client.get("/api/v1/dead-letters/groups").json()["items"]
        assert (group["fingerprint"], group["count"], group["samples"]) == (notice["subject"], 1, [str(job_id)])
        assert "knowledge_entries" in client.get(f"/api/v1/dead-letters/{job_id}").json()["error"]

        superuser.execute("ALTER TABLE knowledge_that_is_away RENAME TO knowledge_entries")
        which = {"filter": {"fingerprint": group["fingerprint"]}}
        assert client.post("/api/v1/dead-letters/dry-run", json=which).json()["words"] == "1 would run."
        done = client.post("/api/v1/dead-letters/requeue", json=which | {"reason": "The table is back"}).json()
        assert (done["state"], done["done"]) == ("finished", 1)

        answered = eventually(lambda: _texts(superuser, CUSTOMER), within=30, what="The answer")
        assert "Monday" in answered[0]
        assert client.get("/api/v1/notices", params={"kind": "dead_letter"}).json()["items"] == []
        assert client.get("/api/v1/dead-letters").json()["items"] == []
    assert len(_texts(superuser, CUSTOMER)) == 1


def test_many_that_died_run_at_the_rate_that_was_asked_for(
    house: RunningHouse, superuser: psycopg.Connection[Any]
) -> None:
    headers = {"authorization": f"Bearer {ADMIN_TOKEN}"}
    superuser.execute(
        "INSERT INTO jobs (id, org_id, kind, queue, args, state, attempt, max_attempts, finished_at, announced_at)"
        " SELECT gen_random_uuid(), '00000000-0000-0000-0000-000000000000', 'deadletters.operate', 'maintenance',"
        """ jsonb_build_object('operation_id', gen_random_uuid()), 'dead', 1, 1, now(), now()"""
        " FROM generate_series(1, 6)"
    )
    with httpx.Client(base_url=house.url, headers=headers, timeout=30) as client:
        body = {"filter": {"kind": "deadletters.operate"}, "reason": "slowly", "per_minute": 120}
        begun = client.post("/api/v1/dead-letters/requeue", json=body)
        assert begun.status_code == 202
        path = f"/api/v1/dead-operations/{begun.json()['id']}"
        eventually(lambda: client.get(path).json()["state"] == "finished", within=60, what="The operation's end")
    ran = "SELECT attempted_at, run_at FROM jobs WHERE kind = 'deadletters.operate' AND unique_key IS NULL ORDER BY 1"
    eventually(lambda: all(row[0] for row in superuser.execute(ran).fetchall()), within=30, what="The last run")
    rows = superuser.execute(ran).fetchall()
    assert all(attempted >= due for attempted, due in rows)
    assert 2.4 <= (rows[-1][1] - rows[0][1]).total_seconds() <= 2.6
