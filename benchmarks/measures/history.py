"""Throughput with ten million finished jobs and their attempts in the tables against empty tables."""

from __future__ import annotations

import time

import psycopg

from benchmarks.backlogs import fed, throughput
from benchmarks.plan import Plan
from benchmarks.results import Result, at_least
from benchmarks.roles import ours
from benchmarks.stage import Stage

FINISHED = 10_000_000
DEPTH = 1_000
SETTLE, SECONDS = 3.0, 8.0
_CHUNK = 1_000_000
_JOBS = """
    INSERT INTO jobs (id, org_id, kind, queue, args, state, run_at, attempt, max_attempts, correlation_id, created_at,
                      attempted_at, finished_at)
    SELECT id, ('01930000-0000-7000-8000-' || lpad((number %% 20)::text, 12, '0'))::uuid, 'benchmark.noop', 'default',
           '{"number": 1}', 'completed', at, 1, 5, id, at, at, at
    FROM (SELECT number, now() - make_interval(secs => %(all)s - number) * 0.1 AS at,
                 uuidv7(make_interval(secs => number - %(all)s) * 0.1) AS id
          FROM generate_series(%(from)s, %(to)s) number) made
"""
_ATTEMPTS = """
    INSERT INTO job_attempts (job_id, attempt, org_id, worker_id, started_at, finished_at, outcome)
    SELECT id, 1, org_id, '00000000-0000-7000-8000-000000000000', attempted_at, finished_at, 'completed' FROM jobs
    WHERE state = 'completed'
"""


def measure(stage: Stage, plan: Plan) -> list[Result]:
    """Alternate between the two, each on a database of its own that lasts all rounds."""
    finished = int(FINISHED * plan.scale)
    rates: dict[str, list[float]] = {"empty": [], "old": []}
    with stage.fresh() as empty_urls, stage.databases.migrated() as old_urls:
        started = time.monotonic()
        with psycopg.connect(old_urls.superuser, autocommit=True) as connection:
            make_history(connection, finished)
            row = connection.execute("SELECT pg_size_pretty(pg_database_size(current_database()))").fetchone()
        assert row is not None
        size = str(row[0])
        print(f"    {finished:,} finished jobs and attempts, {size}, made in {time.monotonic() - started:.0f} s")
        for number in range(plan.rounds):
            for name, urls in (("empty", empty_urls), ("old", old_urls)):
                with stage.redis() as client:
                    client.flushdb()
                with (
                    ours(stage, urls),
                    fed(urls, depth=DEPTH),
                    psycopg.connect(urls.superuser, autocommit=True) as connection,
                ):
                    rates[name].append(throughput(connection, settle=SETTLE, seconds=SECONDS))
                print(f"    round {number + 1}: {name}: {rates[name][-1]:,.0f} jobs/s", flush=True)
    measured = f"throughput with {finished:,} finished jobs and attempts"
    return [Result(measured, "jobs/s", rates["old"], "empty", rates["empty"], at_least(0.9), note=size)]


def make_history(connection: psycopg.Connection[object], finished: int) -> None:
    """Write finished jobs of the last days and their attempts; then what a database of that age has: a vacuum."""
    for start in range(1, finished + 1, _CHUNK):
        connection.execute(_JOBS, {"all": finished, "from": start, "to": min(finished, start + _CHUNK - 1)})
    connection.execute(_ATTEMPTS)
    connection.execute("VACUUM (ANALYZE) jobs")
    connection.execute("VACUUM (ANALYZE) job_attempts")
