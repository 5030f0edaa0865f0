"""The tables of the queue, for reading and administration; the hot statements are in the modules of their verbs."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, DateTime, Integer, SmallInteger, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from domain.kernel.database import Base

_TIME = DateTime(timezone=True)


class Job(Base):
    """One unit of queued work."""

    __tablename__ = "jobs"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    org_id: Mapped[UUID]
    kind: Mapped[str] = mapped_column(Text)
    queue: Mapped[str] = mapped_column(Text)
    args: Mapped[dict[str, Any]] = mapped_column(JSONB)
    state: Mapped[str] = mapped_column(Text)
    priority: Mapped[int] = mapped_column(SmallInteger)
    run_at: Mapped[datetime] = mapped_column(_TIME)
    attempt: Mapped[int]
    max_attempts: Mapped[int]
    lost_count: Mapped[int]
    unique_key: Mapped[str | None] = mapped_column(Text)
    subject: Mapped[str | None] = mapped_column(Text)
    correlation_id: Mapped[UUID | None]
    limit_key: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(_TIME)
    held_by: Mapped[UUID | None]
    queued_at: Mapped[datetime | None] = mapped_column(_TIME)
    worker_id: Mapped[UUID | None]
    attempted_at: Mapped[datetime | None] = mapped_column(_TIME)
    finished_at: Mapped[datetime | None] = mapped_column(_TIME)
    cancel_requested_at: Mapped[datetime | None] = mapped_column(_TIME)
    last_error: Mapped[str | None] = mapped_column(Text)
    error_class: Mapped[str | None] = mapped_column(Text)
    fingerprint: Mapped[str | None] = mapped_column(Text)
    announced_at: Mapped[datetime | None] = mapped_column(_TIME)


class JobAttempt(Base):
    """One run of a job; `outcome` is empty while it runs."""

    __tablename__ = "job_attempts"

    job_id: Mapped[UUID] = mapped_column(primary_key=True)
    attempt: Mapped[int] = mapped_column(primary_key=True)
    started_at: Mapped[datetime] = mapped_column(_TIME, primary_key=True)
    org_id: Mapped[UUID]
    worker_id: Mapped[UUID | None]
    finished_at: Mapped[datetime | None] = mapped_column(_TIME)
    outcome: Mapped[str | None] = mapped_column(Text)
    reason: Mapped[str | None] = mapped_column(Text)
    error_class: Mapped[str | None] = mapped_column(Text)


class Worker(Base):
    """A worker or scheduler process (`role`), the last time it was heard of, and its memory (`rss_bytes`)."""

    __tablename__ = "workers"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    hostname: Mapped[str] = mapped_column(Text)
    pid: Mapped[int] = mapped_column(Integer)
    queues: Mapped[list[str]] = mapped_column(ARRAY(Text))
    threads: Mapped[int]
    version: Mapped[str] = mapped_column(Text)
    started_at: Mapped[datetime] = mapped_column(_TIME)
    heartbeat_at: Mapped[datetime] = mapped_column(_TIME)
    stopped_at: Mapped[datetime | None] = mapped_column(_TIME)
    role: Mapped[str] = mapped_column(Text)
    rss_bytes: Mapped[int | None] = mapped_column(BigInteger)


class Queue(Base):
    """A queue and whether it is paused, or will be as soon as it is empty (`draining_at`)."""

    __tablename__ = "queues"

    name: Mapped[str] = mapped_column(Text, primary_key=True)
    paused_at: Mapped[datetime | None] = mapped_column(_TIME)
    paused_because: Mapped[str | None] = mapped_column(Text)
    draining_at: Mapped[datetime | None] = mapped_column(_TIME)
