"""A hundred thousand dead letters: grouped, tried dry, requeued by the real roles and run, and in how much memory."""

from __future__ import annotations

import time
from contextlib import closing
from datetime import UTC, datetime

import psycopg

import benchmarks.messages
from benchmarks.measures.idle import largest
from benchmarks.plan import Plan
from benchmarks.results import Result, below
from benchmarks.roles import ours, wait_until
from benchmarks.stage import Stage
from domain.audit.record import Actor
from domain.deadletters.forecast import forecast
from domain.deadletters.groups import list_groups
from domain.deadletters.operations import Request, begin
from domain.kernel.database import Database
from domain.queue.dead import DeadFilter
from domain.queue.message import spec_of

DEAD = 100_000
_CAUSES = 40
_PATIENCE = 600.0
_KIND = spec_of(benchmarks.messages.Noop).kind
_WHICH = DeadFilter(kind=_KIND)
_FILL = """
    INSERT INTO jobs (id, org_id, kind, queue, args, state, attempt, max_attempts, fingerprint, finished_at, last_error,
                      announced_at)
    SELECT uuidv7(), ('01930000-0000-7000-8000-' || lpad((n %% 20)::text, 12, '0'))::uuid, %s, 'default',
           '{"number": 1}', 'dead', 5, 5, 'cause ' || n %% %s, now(), 'The provider refused it.', now()
    FROM generate_series(1, %s) n
"""


def measure(stage: Stage, plan: Plan) -> list[Result]:
    """Measure each step in turn, on a database without statistics: that is how a flood of deaths arrives."""
    dead = int(DEAD * plan.scale)
    figures: dict[str, list[float]] = {name: [] for name in ("group", "try dry", "requeue", "run", "memory")}
    for number in range(plan.rounds):
        with (
            stage.fresh() as urls,
            closing(Database(urls.app, urls.platform)) as database,
            psycopg.connect(urls.superuser, autocommit=True) as connection,
        ):
            connection.execute(_FILL, (_KIND, _CAUSES, dead))
            with ours(stage, urls) as running:
                _round(database, connection, running["worker"].pid, figures)
        print(f"    round {number + 1}: " + ", ".join(f"{name} {all_[-1]:.1f}" for name, all_ in figures.items()))
    return [
        Result(f"{dead:,} dead letters by cause", "s", figures["group"], aim=below(1)),
        Result("their dry run", "s", figures["try dry"]),
        Result("requeued by a worker", "s", figures["requeue"]),
        Result("all of them run", "s", figures["run"], note="from the request on"),
        Result("growth of the largest worker process meanwhile", "MiB", figures["memory"], aim=below(32)),
    ]


def _round(
    database: Database, connection: psycopg.Connection[object], worker: int, figures: dict[str, list[float]]
) -> None:
    with database.platform_scope() as session:
        started = time.perf_counter()
        assert len(list_groups(session, DeadFilter())) == _CAUSES
        figures["group"].append(time.perf_counter() - started)
        started = time.perf_counter()
        forecast(session, _WHICH, now=datetime.now(UTC))
        figures["try dry"].append(time.perf_counter() - started)
    before, started = largest(worker), time.perf_counter()
    with database.platform_scope() as session:
        begin(session, Request("requeue", _WHICH, "measured"), Actor("benchmark", "operator"))

    def none(query: str) -> bool:
        return connection.execute(query).fetchone() is None

    running = "SELECT FROM dead_operations WHERE state = 'running'"
    wait_until("the operation's end", lambda: none(running), seconds=_PATIENCE)
    figures["requeue"].append(time.perf_counter() - started)
    left = f"SELECT FROM jobs WHERE kind = '{_KIND}' AND state <> 'completed' LIMIT 1"
    wait_until("the last job's end", lambda: none(left), seconds=_PATIENCE, every=0.5)
    figures["run"].append(time.perf_counter() - started)
    figures["memory"].append(largest(worker) - before)
