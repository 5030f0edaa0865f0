"""Idle pick-up of a lone job: from the call that enqueues it (for ours: before its transaction) to its first line.

All contenders run side by side, each idle but for its own lone jobs; jobs come one at a time, at irregular moments.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import cast

import redis

from benchmarks import rivals
from benchmarks.filling import ORG_ID, producer
from benchmarks.messages import Mark
from benchmarks.names import PICKED
from benchmarks.plan import Plan
from benchmarks.results import Result, at_most, below
from benchmarks.roles import ours
from benchmarks.stage import Stage
from domain.kernel.database import Database
from domain.queue.enqueue import enqueue

JOBS = 40
"""Lone jobs of each contender in a round."""
GAP = (0.05, 0.35)
_PATIENCE = 15


def measure(stage: Stage, plan: Plan) -> list[Result]:
    """Measure the 95th percentile of each round, in milliseconds."""
    os.environ["BASELINE_REDIS_URL"] = stage.valkey.url(rivals.DRAMATIQ_DATABASE)
    from benchmarks.baselines import dramatiq_noop  # noqa: PLC0415  reads its URL when it is imported

    os.environ["BASELINE_REDIS_URL"] = stage.valkey.url(rivals.CELERY_DATABASE)
    from benchmarks.baselines import celery_noop  # noqa: PLC0415  as above

    rng = random.Random(7)  # noqa: S311  the same irregular moments in every run
    with ExitStack() as stack:
        urls = stack.enter_context(stage.fresh())
        database = stack.enter_context(producer(stage, urls))
        for runner in (ours(stage, urls), rivals.dramatiq(stage), rivals.celery(stage)):
            stack.enter_context(runner)
        contenders: dict[str, tuple[redis.Redis, Callable[[int], object]]] = {
            "gatehouse": (stage.redis(), lambda number: _enqueue(database, number)),
            "dramatiq": (stage.redis(rivals.DRAMATIQ_DATABASE), dramatiq_noop.mark.send),
            "celery": (stage.redis(rivals.CELERY_DATABASE), celery_noop.mark.delay),
        }
        rounds: dict[str, list[float]] = {name: [] for name in contenders}
        for number in range(plan.rounds + 1):
            times: dict[str, list[float]] = {name: [] for name in contenders}
            for _ in range(JOBS if number else 3):
                for name, (client, send) in contenders.items():
                    time.sleep(rng.uniform(*GAP))
                    times[name].append(lone(client, send))
            if number:  # the one before is the warm-up
                for name, waits in times.items():
                    rounds[name].append(p95(waits))
                    print(
                        f"    round {number}: {name}: p95 {p95(waits):.1f} ms, median {p50(waits):.1f} ms", flush=True
                    )
    mine = rounds["gatehouse"]
    return [
        Result("idle pick-up of a lone job, p95", "ms", mine, "dramatiq", rounds["dramatiq"], at_most(0.1)),
        Result("idle pick-up of a lone job, p95", "ms", mine, "celery", rounds["celery"]),
        Result("idle pick-up of a lone job, p95, alone", "ms", mine, aim=below(15)),
    ]


def lone(client: redis.Redis, send: Callable[[int], object]) -> float:
    """Send one job and return the milliseconds until it was picked up."""
    started = time.monotonic_ns()
    send(1)
    answer = cast("tuple[str, str] | None", client.blpop([PICKED], timeout=_PATIENCE))
    assert answer is not None, "the job was not picked up"
    return (int(answer[1]) - started) / 1e6


def p95(waits: list[float]) -> float:
    """Return the 95th percentile."""
    return sorted(waits)[min(len(waits) - 1, int(len(waits) * 0.95))]


def p50(waits: list[float]) -> float:
    """Return the median."""
    return sorted(waits)[len(waits) // 2]


def _enqueue(database: Database, number: int) -> None:
    with database.tenant_scope(ORG_ID) as session:
        enqueue(session, Mark(number), org_id=ORG_ID)
