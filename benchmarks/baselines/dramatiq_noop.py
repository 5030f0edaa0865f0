"""Stock Dramatiq on Redis: the baseline of the queue's measures. Not durable beyond what Redis is."""

from __future__ import annotations

import os
import time

import dramatiq
from dramatiq.brokers.redis import RedisBroker

from benchmarks.names import PICKED

broker = RedisBroker(url=os.environ["BASELINE_REDIS_URL"])  # type: ignore[no-untyped-call]
dramatiq.set_broker(broker)


@dramatiq.actor
def noop(number: int) -> None:
    """Do nothing."""
    del number


@dramatiq.actor
def mark(number: int) -> None:
    """Say when this began."""
    picked = time.monotonic_ns()
    del number
    broker.client.rpush(PICKED, picked)


@dramatiq.actor
def first_of_two(number: int) -> None:
    """Hand on to the next actor, as a message's two jobs do."""
    mark.send(number)
