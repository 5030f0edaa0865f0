"""The jobs of a journey and their runs as steps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from domain.conversations import journey_words as words
from domain.conversations.journey_step import Step, milliseconds

if TYPE_CHECKING:
    from domain.conversations.journey_records import Records
    from domain.queue.models import Job, JobAttempt


def job_steps(records: Records, purposes: Mapping[UUID, str]) -> Iterator[Step]:
    """Give the jobs and their runs. `purposes`: what each delivery is for."""
    names = {job.id: _name(job, purposes) for job in records.jobs}
    yield from (_job(job, names[job.id]) for job in records.jobs)
    ready = {job.id: job.created_at for job in records.jobs}
    for attempt in records.attempts:
        yield _attempt(attempt, names[attempt.job_id], ready[attempt.job_id])
        ready[attempt.job_id] = attempt.finished_at or attempt.started_at


def _name(job: Job, purposes: Mapping[UUID, str]) -> str:
    """Return what a job does; for one that sends, what it sends."""
    for delivery_id, purpose in purposes.items():
        if job.subject == f"delivery:{delivery_id}":
            return f"Sending {words.short_purpose(purpose)}"
    return words.JOBS.get(job.kind, f"The job {job.kind}")


def _job(job: Job, name: str) -> Step:
    outcome, tone = words.JOB_STATES.get(job.state, (job.state, "plain"))
    tries = f"Tried {job.attempt} times." if job.attempt > 1 else ""
    due = f"Due at {job.run_at:%Y-%m-%d %H:%M:%S} UTC." if job.state in {"scheduled", "retryable"} else ""
    error = job.last_error or "" if job.state in {"retryable", "dead"} else ""
    return Step(
        job.created_at,
        "job",
        f"{name} was queued",
        outcome,
        tone,
        " ".join(part for part in (error, tries, due) if part),
        ids={"job_id": str(job.id), "job_kind": job.kind, "queue": job.queue},
        order=job.id,
    )


def _attempt(attempt: JobAttempt, name: str, ready_at: datetime) -> Step:
    """Return a run; it has waited since its job was queued, or since the run before ended."""
    outcome, tone = words.ATTEMPTS.get(attempt.outcome, (str(attempt.outcome), "plain"))
    return Step(
        attempt.started_at,
        "attempt",
        f"{name}, run {attempt.attempt}",
        outcome,
        tone,
        words.NOTES.get(attempt.reason or "", attempt.reason or ""),
        milliseconds(attempt.started_at, attempt.finished_at),
        ids={"job_id": str(attempt.job_id)} | ({"worker_id": str(attempt.worker_id)} if attempt.worker_id else {}),
        wait_ms=milliseconds(ready_at, max(ready_at, attempt.started_at)),
        facts={"Error": attempt.error_class} if attempt.error_class else {},
    )
