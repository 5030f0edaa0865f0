"""No-op jobs a second, from the moment that all of them are visible to the end of the last one.

Ours are enqueued in one transaction while the workers wait. The baselines cannot do that, so their workers are stopped
(SIGSTOP) while their jobs are enqueued and let go together.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import psycopg
from procrastinate import App, SyncPsycopgConnector

from benchmarks import rivals
from benchmarks.filling import enqueue_noops, producer
from benchmarks.plan import Plan
from benchmarks.probes import family
from benchmarks.results import Result, alternate, at_least
from benchmarks.roles import ours, wait_until
from benchmarks.stage import Stage
from tests.support.databases import DatabaseUrls

JOBS = 20_000
PROCRASTINATE_JOBS = 4_000
WARM_UP = 500
_LIVE = "SELECT EXISTS (SELECT FROM jobs WHERE state IN ('available', 'executing', 'scheduled', 'retryable'))"
_LAST = "SELECT extract(epoch FROM max(finished_at))::float8 FROM jobs"


def measure(stage: Stage, plan: Plan) -> list[Result]:
    """Drain no-op jobs with ours, stock Dramatiq and stock Procrastinate in turn."""
    figures = alternate(
        plan.rounds,
        {
            "gatehouse": partial(drain_ours, stage),
            "dramatiq": partial(drain_dramatiq, stage),
            "procrastinate": partial(drain_procrastinate, stage),
        },
    )
    ours_a_second = figures["gatehouse"]
    return [
        Result("durable no-op jobs", "jobs/s", ours_a_second, "dramatiq", figures["dramatiq"], at_least(0.5)),
        Result("durable no-op jobs", "jobs/s", ours_a_second, "procrastinate", figures["procrastinate"], at_least(2.5)),
    ]


def drain_ours(stage: Stage, count: int = JOBS) -> float:
    """Return our jobs a second."""
    with (
        stage.fresh() as urls,
        producer(stage, urls) as database,
        ours(stage, urls),
        psycopg.connect(urls.superuser, autocommit=True) as connection,
    ):
        enqueue_noops(database, WARM_UP)
        wait_for_end(connection)
        started = enqueue_noops(database, count)
        return count / (wait_for_end(connection) - started)


def wait_for_end(connection: psycopg.Connection[tuple[bool]], seconds: float = 120) -> float:
    """Wait until no job is live; return the time at which the last one ended (`time.time`)."""

    def done() -> bool:
        row = connection.execute(_LIVE).fetchone()
        return row is not None and not row[0]

    wait_until("the end of all jobs", done, seconds=seconds, every=0.2)
    row = connection.execute(_LAST).fetchone()
    assert row is not None
    return float(row[0])


def drain_dramatiq(stage: Stage, count: int = JOBS) -> float:
    """Return stock Dramatiq's jobs a second."""
    os.environ["BASELINE_REDIS_URL"] = stage.valkey.url(rivals.DRAMATIQ_DATABASE)
    from benchmarks.baselines import dramatiq_noop  # noqa: PLC0415  reads its URL when it is imported

    with stage.redis(rivals.DRAMATIQ_DATABASE) as client, rivals.dramatiq(stage) as running:
        client.flushdb()

        def drained() -> bool:
            return not client.hlen("dramatiq:default.msgs")

        dramatiq_noop.noop.send(0)
        wait_until("the first job of Dramatiq", drained)
        for number in range(WARM_UP):
            dramatiq_noop.noop.send(number)
        wait_until("Dramatiq's warm-up", drained)
        with held(running.pid):
            for number in range(count):
                dramatiq_noop.noop.send(number)
            started = time.time()
        wait_until("the end of Dramatiq's jobs", drained, seconds=120, every=0.01)
        return count / (time.time() - started)


def drain_procrastinate(stage: Stage, count: int = PROCRASTINATE_JOBS) -> float:
    """Return stock Procrastinate's jobs a second."""
    with stage.databases.empty() as urls:
        _defer(urls, schema=True, count=0)
        with psycopg.connect(urls.superuser, autocommit=True) as connection:

            def drained() -> bool:
                query = "SELECT EXISTS (SELECT FROM procrastinate_jobs WHERE status IN ('todo', 'doing'))"
                row = connection.execute(query).fetchone()
                return row is not None and not row[0]

            with rivals.procrastinate(stage, urls.owner) as running:
                _defer(urls, count=WARM_UP)
                wait_until("Procrastinate's warm-up", drained)
                with held(*(one.pid for one in running)):
                    _defer(urls, count=count)
                    started = time.time()
                wait_until("the end of Procrastinate's jobs", drained, seconds=120, every=0.2)
            last = connection.execute(
                "SELECT extract(epoch FROM max(at))::float8 FROM procrastinate_events WHERE type = 'succeeded'"
            ).fetchone()
            assert last is not None
            return count / (float(last[0]) - started)


def _defer(urls: DatabaseUrls, *, count: int, schema: bool = False) -> None:
    app = App(connector=SyncPsycopgConnector(conninfo=urls.owner))
    with app.open():
        if schema:
            app.schema_manager.apply_schema()
        if count:
            app.configure_task("noop").batch_defer(*({"number": number} for number in range(count)))


@contextmanager
def held(*pids: int) -> Iterator[None]:
    """Stop processes with all their descendants while the block runs."""
    stopped = [one for pid in pids for one in family(pid)]
    for pid in stopped:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in reversed(stopped):
            os.kill(pid, signal.SIGCONT)
