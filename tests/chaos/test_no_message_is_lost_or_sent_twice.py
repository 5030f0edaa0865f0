"""Kill, wipe or cut something while 500 texts are under way: each is answered once, and nothing needs a person."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import psycopg
import pytest
import redis

from migrations.seeds import apply
from tests.support.eventually import eventually
from tests.support.private_redis import PrivateRedis
from tests.support.running_house import RunningHouse
from tests.support.twilio_webhook import sms_form

if TYPE_CHECKING:
    from tests.support.databases import DatabaseUrls

pytestmark = pytest.mark.chaos
MESSAGES = 500
STRIKE_AFTER = 150
REDIS_AWAY_SECONDS = 12.0
SETTLED_WITHIN = 90.0


class Post:
    """Twilio's side: every text is posted until it is accepted."""

    def __init__(self, house: RunningHouse) -> None:
        self._house = house
        self._accepted = 0
        self._lock = threading.Lock()
        self.strike_now = threading.Event()

    def send_all(self) -> None:
        """Post all texts, each from a customer of its own."""
        forms = [sms_form("What are your opening hours?", From=f"+1500556{n:04d}") for n in range(MESSAGES)]
        with httpx.Client(base_url=self._house.url, timeout=15) as client, ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda form: self._send(client, form), forms))

    def _send(self, client: httpx.Client, form: dict[str, str]) -> None:
        def accepted() -> bool:
            try:
                return self._house.post(client, form).status_code == httpx.codes.OK
            except httpx.TransportError:
                return False

        eventually(accepted, within=60, what="Accepting a text")
        with self._lock:
            self._accepted += 1
            if self._accepted == STRIKE_AFTER:
                self.strike_now.set()


@pytest.fixture
def private_redis() -> Iterator[PrivateRedis]:
    with PrivateRedis() as server:
        yield server


@pytest.fixture
def house(database_urls: DatabaseUrls, private_redis: PrivateRedis, tmp_path: Path) -> Iterator[RunningHouse]:
    apply(database_urls.platform, "demo")
    with RunningHouse(database_urls, private_redis.url, private_redis.url, tmp_path) as running:
        yield running


def _flush(_: RunningHouse, server: PrivateRedis) -> None:
    with redis.Redis.from_url(server.url) as client:
        client.flushall()


def _away(_: RunningHouse, server: PrivateRedis) -> None:
    server.stop()
    threading.Event().wait(REDIS_AWAY_SECONDS)
    server.start()


STRIKES: dict[str, Callable[[RunningHouse, PrivateRedis], None]] = {
    "a worker process is killed": lambda house, _: house.kill_child("worker"),
    "the workers' parent is killed": lambda house, _: house.kill("worker"),
    "the scheduler is killed": lambda house, _: house.kill("scheduler"),
    "the api is killed": lambda house, _: house.kill("api"),
    "Redis is wiped": _flush,
    "Redis is away": _away,
}


@pytest.mark.parametrize("strike", STRIKES)
def test_each_text_is_answered_once(
    house: RunningHouse, private_redis: PrivateRedis, database_urls: DatabaseUrls, strike: str
) -> None:
    # Given texts that keep coming in
    post = Post(house)
    sender = threading.Thread(target=post.send_all)
    sender.start()
    assert post.strike_now.wait(60)

    # When something breaks
    STRIKES[strike](house, private_redis)
    sender.join(120)
    assert not sender.is_alive()

    # Then every text is answered, once, and no job is left for a person
    with psycopg.connect(database_urls.platform, autocommit=True) as connection:
        eventually(lambda: _settled(connection), within=SETTLED_WITHIN, what=f"Settling after {strike}")
        sent = Counter(to for (to,) in connection.execute("SELECT to_address FROM sandbox_messages"))
        states: dict[str, int] = dict(connection.execute("SELECT state, count(*) FROM jobs GROUP BY state").fetchall())
    assert sent == {f"+1500556{n:04d}": 1 for n in range(MESSAGES)}
    assert states == {"completed": 2 * MESSAGES}


def _settled(connection: psycopg.Connection[Any]) -> bool:
    row = connection.execute(
        "SELECT count(*) FILTER (WHERE direction = 'in' AND processed_at IS NULL),"
        " (SELECT count(*) FROM jobs WHERE state NOT IN ('completed', 'cancelled', 'dead')) FROM messages"
    ).fetchone()
    assert row is not None
    return bool(row[0] == 0 and row[1] == 0)
