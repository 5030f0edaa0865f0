"""Fill the queue from inside the database, and keep it filled, at hardly any cost to what is measured."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import psycopg

from tests.support.databases import DatabaseUrls

ORGANIZATIONS: Final = 20
_FEED_EVERY: Final = 0.05
_FILL: Final = """
    INSERT INTO jobs (id, org_id, kind, queue, args, state, max_attempts)
    SELECT uuidv7(), ('01930000-0000-7000-8000-' || lpad((number %% %(organizations)s)::text, 12, '0'))::uuid,
           'benchmark.noop', 'default', '{"number": 1}', 'available', 5
    FROM generate_series(1, %(count)s) number
"""
_DEPTH: Final = """
    SELECT count(*) FROM (SELECT FROM jobs WHERE queue = 'default' AND state = 'available' AND queued_at IS NULL
                          LIMIT %s) waiting
"""


def fill(connection: psycopg.Connection[Any], count: int) -> None:
    """Add `count` due no-op jobs of twenty organizations. Statistics stay as they are, as after any sudden flood."""
    connection.execute(_FILL, {"count": count, "organizations": ORGANIZATIONS})


@contextmanager
def fed(urls: DatabaseUrls, *, depth: int = 0, rate: float = 0.0) -> Iterator[None]:
    """Keep `depth` jobs waiting while the block runs, or add `rate` jobs a second whatever waits."""
    stopping = threading.Event()

    def feed() -> None:
        with psycopg.connect(urls.superuser, autocommit=True) as connection:
            last = time.monotonic()
            while not stopping.wait(_FEED_EVERY):
                now = time.monotonic()
                row = connection.execute(_DEPTH, (depth or 1,)).fetchone()
                missing = depth - row[0] if depth and row else int(rate * (now - last))
                last = now
                if missing > 0:
                    fill(connection, missing)

    thread = threading.Thread(target=feed, name="feeder")
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join()


def throughput(connection: psycopg.Connection[Any], *, settle: float, seconds: float) -> float:
    """Return the jobs a second that end between `settle` seconds from now and `seconds` later."""
    time.sleep(settle)
    started = time.time()
    time.sleep(seconds)
    row = connection.execute(
        "SELECT count(*) FROM jobs WHERE state = 'completed'"
        " AND finished_at >= to_timestamp(%(from)s) AND finished_at < to_timestamp(%(to)s)",
        {"from": started, "to": started + seconds},
    ).fetchone()
    assert row is not None
    return int(row[0]) / seconds
