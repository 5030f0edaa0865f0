"""Schedules and processes as documents."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel

from domain.maintenance.ask import Asked
from domain.maintenance.standing import Schedule, Standing
from domain.queue.crew import CurrentJob, Process
from domain.queue.presence import Role


class RunOfSchedule(BaseModel):
    """The newest run that has ended, or that was no job and never said how it ended (`outcome` is empty then)."""

    started_at: datetime
    finished_at: datetime | None
    outcome: str | None
    words: str
    by: str
    job_id: UUID | None


class ScheduleDocument(BaseModel):
    """Work that is due every so often, and how it stands.

    `asked_by_scheduler`: else cron has to, or the scheduler does it itself. `command`: its name for
    `gatehouse jobs run`. `missed`: whole periods in which nobody asked for it. `job_id`: its job that waits or runs.
    """

    name: str
    about: str
    every_seconds: float
    asked_by_scheduler: bool
    command: str | None
    standing: Standing
    asked_at: datetime | None
    next_at: datetime | None
    missed: int
    job_id: UUID | None
    last: RunOfSchedule | None


class ScheduleList(BaseModel):
    """All schedules."""

    items: list[ScheduleDocument]


class AskedDocument(BaseModel):
    """The job that does what was asked for; "executing" when it ran already."""

    name: str
    job_id: UUID
    state: str


class CurrentJobDocument(BaseModel):
    """A job that a worker runs now. `seconds`: since it began."""

    id: UUID
    kind: str
    queue: str
    org_id: UUID
    attempt: int
    seconds: float


class ProcessDocument(BaseModel):
    """A worker or a scheduler. `silent_seconds`: since its last heartbeat, which it leaves every 3 s."""

    id: UUID
    role: Role
    hostname: str
    pid: int
    version: str
    queues: list[str]
    threads: int
    rss_bytes: int | None
    started_at: datetime
    heartbeat_at: datetime
    stopped_at: datetime | None
    silent_seconds: float
    jobs: list[CurrentJobDocument]


class ProcessList(BaseModel):
    """Those that are there, the newest of each role first, and then those that stopped lately."""

    items: list[ProcessDocument]


def schedule_document(schedule: Schedule) -> ScheduleDocument:
    """Return a schedule as a document."""
    last = schedule.last
    return ScheduleDocument(
        name=schedule.work.name,
        about=schedule.work.about,
        every_seconds=schedule.work.every.total_seconds(),
        asked_by_scheduler=schedule.work.asked,
        command=schedule.work.command,
        standing=schedule.standing,
        asked_at=schedule.asked_at,
        next_at=schedule.next_at,
        missed=schedule.missed,
        job_id=schedule.live.id if schedule.live else None,
        last=last and RunOfSchedule(**{name: getattr(last, name) for name in RunOfSchedule.model_fields}),
    )


def asked_document(asked: Asked) -> AskedDocument:
    """Return what was asked for as a document."""
    return AskedDocument(name=asked.name, job_id=asked.job_id, state=asked.state)


def process_document(process: Process, jobs: list[CurrentJob]) -> ProcessDocument:
    """Return a process and what it runs as a document."""
    named = {name: getattr(process, name) for name in ProcessDocument.model_fields if name != "jobs"}
    return ProcessDocument(**named, jobs=[_current(job) for job in jobs])


def _current(job: CurrentJob) -> CurrentJobDocument:
    return CurrentJobDocument(**{name: getattr(job, name) for name in CurrentJobDocument.model_fields})
