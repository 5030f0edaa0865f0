"""RQ: retries at growing intervals, and workers that also schedule."""

from __future__ import annotations

import os

import redis
from rq import Queue, Retry

from benchmarks.chaos_rivals import job

_queue = Queue("answers", connection=redis.Redis.from_url(os.environ["RIVAL_REDIS_URL"]))


def answer(inbound_sid: str, sender: str, recipient: str) -> None:
    """Answer a text."""
    job.answer(inbound_sid, sender, recipient)


def enqueue(inbound_sid: str, sender: str, recipient: str) -> None:
    """Hand a text to the workers."""
    retry = Retry(max=20, interval=[1, 2, 4, 8, 16, 32, 60])
    _queue.enqueue(answer, inbound_sid, sender, recipient, retry=retry, job_timeout=60, result_ttl=0)
