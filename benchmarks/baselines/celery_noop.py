"""Stock Celery on Redis, acknowledging late: the baseline of the idle pick-up."""

from __future__ import annotations

import os
import time

import redis
from celery import Celery

from benchmarks.names import PICKED

_URL = os.environ["BASELINE_REDIS_URL"]
app = Celery("baseline", broker=_URL)
app.conf.update(task_acks_late=True, task_ignore_result=True, broker_connection_retry_on_startup=True)
_client = redis.Redis.from_url(_URL)


@app.task  # type: ignore[untyped-decorator]  # ships no types
def mark(number: int) -> None:
    """Say when this began."""
    picked = time.monotonic_ns()
    del number
    _client.rpush(PICKED, picked)
