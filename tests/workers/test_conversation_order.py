"""Many workers, failures and lost workers: every conversation is answered in order, by one worker at a time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import psycopg
import pytest

from domain.conversations.accept import ACCEPT, Inbound, parameters
from domain.kernel.clock import SystemClock
from domain.queue.presence import stop
from migrations.seeds import apply
from migrations.seeds.demo import CLIENT_ID, ORGANIZATION_ID
from tests.support.databases import DatabaseUrls
from tests.support.eventually import eventually
from tests.support.unsteady import UnsteadyComposer, UnsteadySms
from tests.support.worker_floor import Floor
from workers.engine import Engine
from workers.runner import Runner
from workers.services import build_services

pytestmark = pytest.mark.integration

PEOPLE = {f"Person{n}": f"+1500555010{n}" for n in range(6)}
BURST, BURSTS = 3, 4
Connection = psycopg.Connection[tuple[str, ...]]


@pytest.fixture
def house(database_urls: DatabaseUrls, redis_url: str, broker_url: str, tmp_path: Path) -> Floor:
    """Give the demo client's house, with room for workers."""
    apply(database_urls.platform, "demo")
    return Floor(database_urls, redis_url, broker_url, tmp_path)


@pytest.fixture
def connection(database_urls: DatabaseUrls) -> Iterator[Connection]:
    """Give a connection of the platform."""
    with psycopg.connect(database_urls.platform, autocommit=True) as opened:
        yield opened


def _write(connection: Connection, number: int, texts: int) -> None:
    """Let each person write `texts` texts, all at once."""
    batch = [
        Inbound(ORGANIZATION_ID, CLIENT_ID, "sms", phone, f"{person} {n}", f"{person} {n}")
        for n in range(number, number + texts)
        for person, phone in PEOPLE.items()
    ]
    connection.execute(ACCEPT, parameters(batch, direct=False))


def _equip(engine: Engine, house: Floor, composer: UnsteadyComposer, busy: set[str]) -> None:
    clock = SystemClock()
    services = build_services(house.settings, engine.database, clock)
    services = replace(services, composer=composer, sms=UnsteadySms(services.sms, busy))
    engine.runner = Runner(services, clock, engine.finisher.submit)


def _all_sent(connection: Connection) -> bool:
    row = connection.execute(
        "SELECT (SELECT count(*) FROM messages WHERE direction = 'in' AND processed_at IS NULL)"
        " + (SELECT count(*) FROM deliveries WHERE state IN ('pending', 'sending', 'unknown')) = 0"
    ).fetchone()
    return row is not None and bool(row[0])


def _lines(connection: Connection, query: str) -> dict[str, list[str]]:
    """Return the lines of texts by person, in the order of the query."""
    found: dict[str, list[str]] = defaultdict(list)
    for (body,) in connection.execute(query.encode()):
        found[body.split()[0]] += body.split("\n")
    return found


def _run(house: Floor, connection: Connection, composer: UnsteadyComposer, engines: list[Engine]) -> None:
    busy = set(list(PEOPLE.values())[:2])
    with house.scheduler(), house.worker() as first, house.worker() as second:
        engines += [first, second]
        for engine in engines:
            _equip(engine, house, composer, busy)
        # Not before: a worker takes what waits as soon as it has started.
        _write(connection, 0, BURST)
        for number in range(1, BURSTS):
            _write(connection, number * BURST, BURST)
            wanted = number * len(PEOPLE)
            eventually(partial(_answered, connection, wanted), within=60, what=f"{wanted} answers")
        eventually(lambda: _all_sent(connection), within=90, what="An end")


def _answered(connection: Connection, wanted: int) -> bool:
    query = "SELECT count(DISTINCT answered_by) FROM messages WHERE direction = 'in'"
    row = connection.execute(query).fetchone()
    return row is not None and int(row[0]) >= wanted


def _lost(connection: Connection) -> int:
    return len(connection.execute("SELECT FROM job_attempts WHERE outcome = 'lost'").fetchall())


def _everything_in_order(connection: Connection) -> None:
    expected = {person: [f"{person} {n}" for n in range(BURST * BURSTS)] for person in PEOPLE}
    assert _lines(connection, "SELECT body FROM messages WHERE direction = 'out' ORDER BY id") == expected
    assert _lines(connection, "SELECT body FROM sandbox_messages ORDER BY created_at, provider_id") == expected


def test_bursts_are_answered_in_order_once_and_by_one_worker_at_a_time(house: Floor, connection: Connection) -> None:
    composer = UnsteadyComposer(fails_every=5)
    _run(house, connection, composer, [])
    _everything_in_order(connection)
    assert composer.overlaps == []
    bursts: Sequence[tuple[str, ...]] = connection.execute(
        "SELECT address FROM messages WHERE direction = 'in' AND split_part(body, ' ', 2)::int < %s"
        " GROUP BY address HAVING count(DISTINCT answered_by) > 1",
        (BURST,),
    ).fetchall()
    assert bursts == []


def test_workers_that_are_declared_dead_in_the_midst_disturb_no_order(house: Floor, connection: Connection) -> None:
    engines: list[Engine] = []

    def declare_dead(number: int) -> None:
        if number not in {3, 12}:
            return
        with psycopg.connect(house.settings.postgres_url("platform"), autocommit=True) as platform:
            before = _lost(platform)
            stop(platform, [engine.presence.worker_id for engine in engines])
            eventually(lambda: _lost(platform) > before, within=30, what="A rescue while this run goes on")

    _run(house, connection, UnsteadyComposer(fails_every=7, meanwhile=declare_dead), engines)
    _everything_in_order(connection)
    assert _lost(connection)
