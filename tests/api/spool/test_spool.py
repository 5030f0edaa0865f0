"""No text is lost and none overtakes another while the database is away."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Literal
from uuid import UUID

import psycopg
import pytest
import redis

from api.spool.stream import DRAINER
from domain.kernel.ids import new_id
from migrations.seeds.demo import CLIENT_ID, ORGANIZATION_ID
from tests.api.conftest import ADMIN_TOKEN
from tests.api.spool.conftest import Edge
from tests.support.app_client import AppClient
from tests.support.eventually import eventually
from tests.support.private_redis import PrivateRedis

pytestmark = [
    pytest.mark.integration,
    # A connection that was in use when its pool was given up is left to the garbage collector by SQLAlchemy.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]
OTHER = "+15005550002"


def _use(edge: Edge, server: PrivateRedis) -> None:
    secret = type(edge.settings.redis_url)
    edge.settings = edge.settings.model_copy(update={"redis_url": secret(server.url)})


def _attempt(database: psycopg.Connection[Any]) -> UUID:
    """Store a delivery whose attempt's answer was lost, and return the attempt."""
    delivery, attempt = new_id(), new_id()
    database.execute(
        "INSERT INTO deliveries (id, org_id, client_id, purpose, channel, to_address, body, state, attempts)"
        " VALUES (%s, %s, %s, 'reply', 'sms', %s, 'Hello', 'unknown', 1)",
        [delivery, ORGANIZATION_ID, CLIENT_ID, OTHER],
    )
    database.execute(
        "INSERT INTO notification_logs (id, org_id, client_id, delivery_id, attempt, provider, outcome)"
        " VALUES (%s, %s, %s, %s, 1, 'twilio', 'unknown')",
        [attempt, ORGANIZATION_ID, CLIENT_ID, delivery],
    )
    return attempt


@pytest.mark.parametrize("how", ["refuse", "swallow"])
def test_texts_and_reports_are_kept_in_files_and_brought_in_in_order(
    edge: Edge, how: Literal["refuse", "swallow"]
) -> None:
    attempt = _attempt(edge.database)
    with edge.serving() as client:
        assert edge.post(client, "before").status_code == 200
        edge.proxy.set(how)
        answers = [edge.post(client, f"text {number}", OptOutType="HELP") for number in range(5)]
        assert edge.report(client, attempt, "delivered").status_code == 204
        assert [answer.status_code for answer in answers] == [200] * 5
        assert edge.kept() == {"files": 6}
        edge.proxy.set("pass")
        texts = edge.wait_stored(6)
        assert [body for body, _ in texts] == ["before", *[f"text {number}" for number in range(5)]]
        # What hung for a while may have been stored after all when the first one was given up.
        assert {way for _, way in texts[2:]} == {"spool"}
        eventually(lambda: edge.kept() == {})
        eventually(lambda: edge.post(client, "after").status_code == 200 and edge.stored()[-1] == ("after", "webhook"))
    rows = edge.database.execute("SELECT correlation_id::text, consent FROM messages ORDER BY id").fetchall()
    assert [row[0] for row in rows[1:6]] == [answer.headers["x-correlation-id"] for answer in answers]
    assert {row[1] for row in rows[1:6]} == {"help"}
    assert edge.database.execute("SELECT state FROM deliveries").fetchone() == ("delivered",)
    waits = edge.database.execute("SELECT count(*) FROM jobs WHERE kind = 'conversations.process'").fetchone()
    assert waits == (len(rows),)


def test_a_redis_that_keeps_what_it_is_told_is_the_spool(edge: Edge, durable_redis: PrivateRedis) -> None:
    _use(edge, durable_redis)
    with edge.serving() as client:
        edge.proxy.set("refuse")
        assert [edge.post(client, f"text {number}").status_code for number in range(3)] == [200] * 3
        assert edge.kept() == {"redis": 3}
        durable_redis.stop()
        durable_redis.start()
        assert edge.kept() == {"redis": 3}
        assert edge.post(client, "text 3").status_code == 200
        edge.proxy.set("pass")
        assert edge.wait_stored(4) == [(f"text {number}", "spool") for number in range(4)]
        eventually(lambda: edge.kept() == {})


def test_a_report_goes_straight_in_while_kept_texts_have_yet_to_be_brought_in(
    edge: Edge, durable_redis: PrivateRedis
) -> None:
    _use(edge, durable_redis)
    attempt = _attempt(edge.database)
    with redis.Redis.from_url(durable_redis.url) as another_process, edge.serving() as client:
        another_process.set(DRAINER, "it brings the texts in, slowly", px=60_000)
        edge.proxy.set("refuse")
        assert edge.post(client).status_code == 200
        edge.proxy.set("pass")

        def recorded() -> bool:
            assert edge.report(client, attempt, "delivered").status_code == 204
            return edge.database.execute("SELECT state FROM deliveries").fetchone() == ("delivered",)

        eventually(recorded)
        assert edge.stored() == []
        another_process.delete(DRAINER)
        edge.wait_stored(1)


@pytest.mark.parametrize("setting", [("appendonly", "no"), ("maxmemory-policy", "allkeys-lru")])
def test_a_redis_that_may_lose_what_it_is_told_is_not_trusted(
    edge: Edge, durable_redis: PrivateRedis, setting: tuple[str, str]
) -> None:
    with redis.Redis.from_url(durable_redis.url) as administrator:
        administrator.config_set("maxmemory", "100mb")
        administrator.config_set(*setting)
    _use(edge, durable_redis)
    with edge.serving() as client:
        edge.proxy.set("refuse")
        assert edge.post(client).status_code == 200
        assert edge.kept() == {"files": 1}


def test_two_processes_bring_one_stream_in_once(edge: Edge, durable_redis: PrivateRedis) -> None:
    _use(edge, durable_redis)
    with edge.serving() as one, edge.serving() as other:
        edge.proxy.set("refuse")
        for number in range(8):
            client, sender = ((one, "+15005550011"), (other, "+15005550012"))[number % 2]
            assert edge.post(client, str(number), From=sender).status_code == 200
        assert edge.kept() == {"redis": 8}
        edge.proxy.set("pass")
        assert [body for body, _ in edge.wait_stored(8)] == [str(number) for number in range(8)]
        eventually(lambda: edge.kept() == {})
        for client in (one, other):
            eventually(lambda client=client: _goes_directly(edge, client))  # type: ignore[misc]


def test_texts_outlive_a_redis_that_is_wiped_while_it_holds_them(edge: Edge, durable_redis: PrivateRedis) -> None:
    _use(edge, durable_redis)
    with edge.serving() as client:
        edge.proxy.set("refuse")
        assert [edge.post(client, f"text {number}").status_code for number in range(3)] == [200] * 3
        assert edge.kept() == {"redis": 3}
        with redis.Redis.from_url(durable_redis.url) as administrator:
            administrator.flushall()
        edge.proxy.set("pass")
        assert [body for body, _ in edge.wait_stored(3)] == [f"text {number}" for number in range(3)]
        copies = edge.settings.data_dir / "spool" / "copies"
        eventually(lambda: not list(copies.iterdir()), what="Removing the copies")


def _goes_directly(edge: Edge, client: AppClient) -> bool:
    assert edge.post(client, "after").status_code == 200
    return edge.stored()[-1] == ("after", "webhook")


def test_a_redis_that_forgets_is_not_trusted(edge: Edge) -> None:
    with PrivateRedis() as server:
        _use(edge, server)
        with edge.serving() as client:
            edge.proxy.set("refuse")
            assert edge.post(client).status_code == 200
            assert edge.kept() == {"files": 1}


def test_files_take_over_when_redis_goes_as_well(edge: Edge, durable_redis: PrivateRedis) -> None:
    _use(edge, durable_redis)
    with edge.serving() as client:
        edge.proxy.set("refuse")
        assert edge.post(client, "one").status_code == 200
        durable_redis.stop()
        assert [edge.post(client, body).status_code for body in ("two", "three")] == [200, 200]
        durable_redis.start()
        assert edge.post(client, "four").status_code == 200
        assert edge.kept() == {"redis": 1, "files": 3}
        edge.proxy.set("pass")
        assert [body for body, _ in edge.wait_stored(4)] == ["one", "two", "three", "four"]


def test_without_database_and_spool_the_sender_is_told_to_come_again(edge: Edge) -> None:
    directory = edge.settings.data_dir
    with edge.serving() as client:
        directory.mkdir()
        (directory / "spool").write_text("in the way")
        edge.proxy.set("refuse")
        answers = [edge.post(client), edge.report(client, new_id(), "sent")]
        assert [(answer.status_code, answer.headers["retry-after"]) for answer in answers] == [(503, "2")] * 2
        edge.proxy.set("pass")
        eventually(lambda: edge.post(client, "again").status_code == 200)
    assert edge.stored() == [("again", "webhook")]


def test_a_process_that_starts_without_a_database_keeps_and_sorts_out_later(edge: Edge) -> None:
    edge.proxy.set("refuse")
    with edge.serving() as client:
        assert edge.post(client, "ours").status_code == 200
        assert edge.post(client, "nobody's", To="+15005559999").status_code == 200
        edge.proxy.set("pass")
        assert edge.wait_stored(1) == [("ours", "spool")]
        rejected = edge.settings.data_dir / "spool" / "rejected"
        eventually(lambda: rejected.exists() and "nobody" in rejected.read_text())
        eventually(lambda: edge.kept() == {})


def test_what_a_process_leaves_is_brought_in_by_the_next(edge: Edge) -> None:
    with edge.serving() as client:
        edge.proxy.set("refuse")
        assert edge.post(client, "left").status_code == 200
    edge.proxy.set("pass")
    with edge.serving() as client:
        assert edge.post(client, "later").status_code == 200
        assert [body for body, _ in edge.wait_stored(2)] == ["left", "later"]


def test_a_text_that_came_twice_is_stored_once(edge: Edge) -> None:
    sid = f"SM{'d' * 32}"
    with edge.serving() as client:
        edge.proxy.set("refuse")
        assert [edge.post(client, "twice", MessageSid=sid).status_code for _ in range(2)] == [200, 200]
        edge.proxy.set("pass")
        eventually(lambda: edge.stored() and edge.kept() == {})
        assert edge.post(client, "twice", MessageSid=sid).status_code == 200
    assert edge.stored() == [("twice", "spool")]


def test_no_text_of_a_contact_overtakes_another_through_outages(edge: Edge, durable_redis: PrivateRedis) -> None:
    """Two contacts text without a pause, each the next text when the last one is answered."""
    _use(edge, durable_redis)
    stop = threading.Event()
    with edge.serving() as client:

        def write(sender: str) -> int:
            number = 0
            while not stop.is_set():
                assert edge.post(client, str(number), From=sender).status_code == 200
                number += 1
            return number

        with ThreadPoolExecutor(2) as pool:
            writers = [pool.submit(write, sender) for sender in ("+15005550011", "+15005550012")]
            for how in ("refuse", "swallow", "refuse"):
                before = len(edge.stored())
                eventually(lambda before=before: len(edge.stored()) > before + 20, within=30)  # type: ignore[misc]
                edge.proxy.set(how)
                eventually(lambda: sum(edge.kept().values()) > 1, within=30)
                edge.proxy.set("pass")
                eventually(lambda: edge.kept() == {}, within=30)
            stop.set()
            counts = [writer.result(30) for writer in writers]
        eventually(lambda: len(edge.stored()) == sum(counts), within=20)
    rows = edge.database.execute("SELECT address, body::int FROM messages ORDER BY ctid").fetchall()
    for sender in {row[0] for row in rows}:
        said = [body for address, body in rows if address == sender]
        assert said == sorted(said)
    by_id = edge.database.execute("SELECT address, body::int FROM messages ORDER BY address, id").fetchall()
    assert by_id == sorted(by_id)
    ways = {row[1] for row in edge.stored()}
    assert ways == {"webhook", "spool"}


def test_the_disk_holds_what_was_answered(edge: Edge) -> None:
    """Whoever is killed after an answer leaves the text on the disk: it is there before the answer."""
    with edge.serving() as client:
        edge.proxy.set("refuse")
        assert edge.post(client, "kept").status_code == 200
        (path,) = Path(edge.settings.data_dir / "spool").glob("*.spool")
        assert b"kept" in path.read_bytes()


def test_operators_see_what_waits_and_probes_keep_the_process_in_service(edge: Edge) -> None:
    with edge.serving() as client:
        authorized = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
        assert client.get("/api/v1/spool").status_code == 401
        assert client.get("/api/v1/spool", headers=authorized).json()["entries"] == 0
        edge.proxy.set("refuse")
        assert edge.post(client).status_code == 200
        shown = client.get("/api/v1/spool", headers=authorized).json()
        assert (shown["entries"], shown["items"][0]["store"], shown["items"][0]["entries"]) == (1, "files", 1)
        assert 0 <= shown["oldest_seconds"] < 60
        ready = client.get("/api/health/ready")
        assert (ready.status_code, ready.json()["status"]) == (200, "degraded")
        assert ready.json()["checks"]["database"].startswith("down")


def test_a_process_that_can_keep_nothing_leaves_the_service(edge: Edge) -> None:
    edge.settings.data_dir.mkdir()
    (edge.settings.data_dir / "spool").write_text("in the way")
    with edge.serving() as client:
        edge.proxy.set("refuse")
        assert client.get("/api/health/ready").status_code == 503
