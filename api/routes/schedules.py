"""Schedules: seen and run at once; and the processes that do the work."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter

from api.access.requires import Access, requires
from api.schemas.queues import Why
from api.schemas.schedules import (
    AskedDocument,
    ProcessList,
    ScheduleDocument,
    ScheduleList,
    asked_document,
    process_document,
    schedule_document,
)
from domain.maintenance.ask import ask_now
from domain.maintenance.listing import find_schedule, list_schedules
from domain.queue.crew import crew

router = APIRouter(tags=["Schedules and workers"])
Viewing = Annotated[Access, requires("health.view")]
Running = Annotated[Access, requires("maintenance.run")]


@router.get("/api/v1/schedules")
def schedules(access: Viewing) -> ScheduleList:
    """Return all work that is due every so often: when it was asked for, what it came to, what is next."""
    with access.platform() as session:
        return ScheduleList(items=[schedule_document(schedule) for schedule in list_schedules(session)])


@router.get("/api/v1/schedules/{name}")
def one_schedule(name: str, access: Viewing) -> ScheduleDocument:
    """Return one schedule, by its name or by what cron calls it."""
    with access.platform() as session:
        return schedule_document(find_schedule(session, name))


@router.post("/api/v1/schedules/{name}/run", status_code=202)
def run(name: str, why: Why, access: Running) -> AskedDocument:
    """Have it done at once by a worker. While it is under way there is no second run."""
    with access.platform() as session:
        return asked_document(ask_now(session, name, why.reason, access.actor))


@router.get("/api/v1/workers")
def workers(access: Viewing) -> ProcessList:
    """Return the worker and scheduler processes, when they were heard of, and what each runs now."""
    with access.platform() as session:
        found = crew(session)
    items = [process_document(process, found.jobs.get(process.id, [])) for process in (*found.there, *found.stopped)]
    return ProcessList(items=items)
