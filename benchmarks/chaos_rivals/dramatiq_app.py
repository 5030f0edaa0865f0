"""Dramatiq on Redis: retries with its own back-off, as its guide has it."""

from __future__ import annotations

import os

import dramatiq
from dramatiq.brokers.redis import RedisBroker

from benchmarks.chaos_rivals import job

dramatiq.set_broker(RedisBroker(url=os.environ["RIVAL_REDIS_URL"]))  # type: ignore[no-untyped-call]


@dramatiq.actor(max_retries=20, min_backoff=1_000, max_backoff=60_000)
def answer(inbound_sid: str, sender: str, recipient: str) -> None:
    """Answer a text."""
    job.answer(inbound_sid, sender, recipient)


def enqueue(inbound_sid: str, sender: str, recipient: str) -> None:
    """Hand a text to the workers."""
    answer.send(inbound_sid, sender, recipient)
