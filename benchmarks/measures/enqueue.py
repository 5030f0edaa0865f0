"""Ten thousand jobs in one transaction: through `enqueue_many`, against COPY of the same rows into the same table."""

from __future__ import annotations

import json
import time
from functools import partial

import psycopg

from benchmarks.filling import ORG_ID, enqueue_noops, producer
from benchmarks.plan import Plan
from benchmarks.results import Result, alternate, at_most
from benchmarks.stage import Stage
from domain.kernel.database import Database
from domain.kernel.ids import new_id
from tests.support.databases import DatabaseUrls

JOBS = 10_000
_COPY = "COPY jobs (id, org_id, kind, queue, args, state, priority, max_attempts) FROM STDIN"


def measure(stage: Stage, plan: Plan) -> list[Result]:
    """Fill the table in turn; it is emptied and vacuumed before each."""
    with stage.fresh() as urls, producer(stage, urls) as database:
        enqueue_noops(database, 100)
        figures = alternate(
            max(plan.rounds, 5),
            {"gatehouse": partial(enqueue, urls, database), "COPY": partial(copy, urls)},
        )
    return [Result("10,000 jobs in one transaction", "ms", figures["gatehouse"], "COPY", figures["COPY"], at_most(3))]


def enqueue(urls: DatabaseUrls, database: Database) -> float:
    """Return the milliseconds until the transaction of our API has committed."""
    _empty(urls)
    started = time.perf_counter()
    enqueue_noops(database, JOBS)
    return (time.perf_counter() - started) * 1000


def copy(urls: DatabaseUrls) -> float:
    """Return the milliseconds until the same rows, made beforehand, are copied and committed."""
    _empty(urls)
    org = str(ORG_ID)
    rows = [
        (str(new_id()), org, "benchmark.noop", "default", json.dumps({"number": number}), "available", 100, 5)
        for number in range(JOBS)
    ]
    # The superuser, whom row-level security does not bind: PostgreSQL refuses COPY to anybody else here.
    with psycopg.connect(urls.superuser) as connection:
        started = time.perf_counter()
        with connection.cursor() as cursor, cursor.copy(_COPY) as writer:
            for row in rows:
                writer.write_row(row)
        connection.commit()
        return (time.perf_counter() - started) * 1000


def _empty(urls: DatabaseUrls) -> None:
    with psycopg.connect(urls.superuser, autocommit=True) as connection:
        connection.execute("TRUNCATE jobs, job_attempts")
        connection.execute("CHECKPOINT")
