"""Throughput with a million due jobs against a thousand, and what the broker holds meanwhile.

A thousand jobs are gone in a moment, so a feeder keeps that many waiting; with the million it adds as many jobs a
second as the smaller queue ran, so that it costs both the same.
"""

from __future__ import annotations

import statistics
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from benchmarks.backlogs import fed, fill, throughput
from benchmarks.plan import Plan
from benchmarks.results import Result, at_least, below
from benchmarks.roles import ours
from benchmarks.stage import Stage

SMALL, LARGE = 1_000, 1_000_000
SETTLE, SECONDS = 3.0, 8.0
WINDOW = 256


def measure(stage: Stage, plan: Plan) -> list[Result]:
    """Alternate between the two, each on a database of its own that lasts all rounds."""
    large = int(LARGE * plan.scale)
    rates: dict[int, list[float]] = {SMALL: [], large: []}
    depths: list[float] = []
    with stage.fresh() as small_urls, stage.databases.migrated() as large_urls:
        with psycopg.connect(large_urls.superuser, autocommit=True) as connection:
            fill(connection, large)
        for number in range(plan.rounds):
            for size, urls in ((SMALL, small_urls), (large, large_urls)):
                with stage.redis() as client:
                    client.flushdb()
                feeding = {"depth": SMALL} if size == SMALL else {"rate": statistics.median(rates[SMALL])}
                with (
                    ours(stage, urls, queue_window=WINDOW),
                    fed(urls, **feeding),
                    psycopg.connect(urls.superuser, autocommit=True) as connection,
                    _deepest(stage) as deepest,
                ):
                    rates[size].append(throughput(connection, settle=SETTLE, seconds=SECONDS))
                depths += deepest if size == large else []
                print(f"    round {number + 1}: {size:,} due: {rates[size][-1]:,.0f} jobs/s", flush=True)
    aim = at_least(0.9)
    return [
        Result(f"throughput with {large:,} due jobs", "jobs/s", rates[large], "1,000 due", rates[SMALL], aim),
        Result("ids that the broker held at most", "ids", depths, aim=below(WINDOW), note="the window is 256"),
    ]


@contextmanager
def _deepest(stage: Stage) -> Iterator[list[float]]:
    """Look every 20 ms how long the queue in the broker is; the list gets the largest figure at the end."""
    stopping, found = threading.Event(), [0.0]

    def look() -> None:
        with stage.redis() as client:
            while not stopping.wait(0.02):
                found[0] = max(found[0], float(str(client.llen("gatehouse:queue:default"))))

    thread = threading.Thread(target=look, name="depth")
    thread.start()
    try:
        yield found
    finally:
        stopping.set()
        thread.join()
