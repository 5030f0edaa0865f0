"""Celery on Redis: acknowledged late, also when the worker is lost, with retries and back-off.

The visibility time-out is a minute, not the hour of the default: tasks here take seconds, and a task of a worker that
was killed is run again only after it.
"""

from __future__ import annotations

import os

from celery import Celery

from benchmarks.chaos_rivals import job

app = Celery("rival", broker=os.environ["RIVAL_REDIS_URL"])
app.conf.update(
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    task_ignore_result=True,
    worker_prefetch_multiplier=1,
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    broker_transport_options={"visibility_timeout": 60},
)


@app.task(autoretry_for=(Exception,), retry_backoff=True, retry_backoff_max=60, max_retries=20)  # type: ignore[untyped-decorator]
def answer(inbound_sid: str, sender: str, recipient: str) -> None:
    """Answer a text."""
    job.answer(inbound_sid, sender, recipient)


def enqueue(inbound_sid: str, sender: str, recipient: str) -> None:
    """Hand a text to the workers."""
    answer.apply_async((inbound_sid, sender, recipient), retry=False)
