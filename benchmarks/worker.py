"""Our worker process with the benchmark's jobs: `start` takes the place of `workers.process.start`."""

from __future__ import annotations

import os
import time
from functools import cache

import redis

from benchmarks.messages import Mark, Noop
from benchmarks.names import PICKED
from domain.queue.outcome import Done, Outcome
from domain.queue.run import Run
from workers.process import start
from workers.registry import actor
from workers.services import Services


@actor(Noop)
def noop(message: Noop, run: Run, services: Services) -> Outcome:
    """Do nothing, so that what is measured is the queue."""
    del message, run, services
    return Done()


@actor(Mark)
def mark(message: Mark, run: Run, services: Services) -> Outcome:
    """Say when this began."""
    picked = time.monotonic_ns()
    del message, run, services
    _client().rpush(PICKED, picked)
    return Done()


@cache
def _client() -> redis.Redis:
    return redis.Redis.from_url(os.environ["GATEHOUSE_REDIS_URL"])


__all__ = ["start"]
