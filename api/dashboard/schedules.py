"""Schedules: what is due every so often, whether it was done, and doing it at once."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Form, Request
from starlette.responses import RedirectResponse, Response

from api.access.requires import Access, requires
from api.dashboard.flash import flash
from api.dashboard.job_words import STANDINGS
from api.dashboard.tables import State
from api.dashboard.words import duration
from api.pages import page
from domain.kernel.redaction import redact_text
from domain.maintenance.ask import ask_now
from domain.maintenance.listing import list_schedules
from domain.maintenance.standing import Schedule
from domain.queue.crew import crew

router = APIRouter(include_in_schema=False)
Viewing = Annotated[Access, requires("health.view")]
Running = Annotated[Access, requires("maintenance.run")]
PATH: Final = "/dashboard/schedules"


@router.get(PATH)
def show(request: Request, access: Viewing) -> Response:
    """Show how all work stands that is due every so often."""
    with access.platform() as session:
        schedules, schedulers = list_schedules(session), crew(session).alive("scheduler")
    return page(
        "schedules.html",
        request=request,
        schedules=[(schedule, _state(schedule), _said(schedule)) for schedule in schedules],
        schedulers=schedulers,
        may_run=access.may("maintenance.run"),
        may_see_jobs=access.may("queues.view"),
    )


@router.post(f"{PATH}/{{name}}/run")
def run(request: Request, name: str, access: Running, reason: Annotated[str, Form(max_length=500)] = "") -> Response:
    """Have it done at once by a worker."""
    with access.platform() as session:
        asked = ask_now(session, name, reason, access.actor)
    response = RedirectResponse(PATH, status_code=303)
    words = (
        "runs already; there is no second run beside it."
        if asked.state == "executing"
        else "runs as soon as a worker is free."
    )
    flash(request, response, f"{asked.name} {words}")
    return response


def _state(schedule: Schedule) -> State:
    words, tone = STANDINGS[schedule.standing]
    if schedule.standing == "late":
        return State(tone, words, _late(schedule))
    if schedule.standing == "never" and not schedule.work.asked:
        return State(tone, words, f"For cron: gatehouse jobs run {schedule.work.command}")
    return State(tone, words)


def _late(schedule: Schedule) -> str:
    if schedule.live is not None and schedule.live.state == "available":
        return "It was asked for, and no worker has begun. Is its queue, maintenance, paused?"
    times = f", {schedule.missed} times" if schedule.missed > 1 else ""
    if schedule.work.asked:
        return f"No scheduler asked for it{times}. Start one: gatehouse scheduler"
    return f"It was not run{times}. For cron: gatehouse jobs run {schedule.work.command}"


def _said(schedule: Schedule) -> str:
    """Return what the last run came to and how long it took."""
    last = schedule.last
    if last is None:
        return ""
    took = "" if last.seconds is None else f"{duration(last.seconds)}"
    return ", ".join(
        part for part in (took, f"by {last.by}" if last.job_id is None else "", redact_text(last.words)) if part
    )
