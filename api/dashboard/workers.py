"""Workers and schedulers: who is there, since when, what each does now, and what it means when one is silent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

from fastapi import APIRouter, Request
from starlette.responses import Response

from api.access.requires import Access, requires
from api.dashboard.tables import State
from api.dashboard.words import rough
from api.pages import page
from domain.queue.crew import RESCUED_WITHIN, Crew, Process, crew
from domain.queue.names import QUEUES

if TYPE_CHECKING:
    from collections.abc import Sequence

router = APIRouter(include_in_schema=False)
Viewing = Annotated[Access, requires("health.view")]
_SHOWN_STOPPED: Final = 20


@router.get("/dashboard/workers")
def show(request: Request, access: Viewing) -> Response:
    """Show the processes."""
    with access.platform() as session:
        found = crew(session)
    return page(
        "workers.html",
        request=request,
        there=[(process, _state(process), found.jobs.get(process.id, [])) for process in found.there],
        stopped=[(process, _state(process)) for process in found.stopped[:_SHOWN_STOPPED]],
        summary=_summary(found),
        warnings=_warnings(found),
        may_see_jobs=access.may("queues.view"),
    )


def _state(process: Process) -> State:
    if process.stopped_at is not None:
        return State("plain", "stopped")
    if not process.is_silent:
        return State("good", "alive")
    silence = f"Last heard of {rough(process.silent_seconds)} ago"
    if process.role == "scheduler":
        return State("bad", "silent", f"{silence}. Another scheduler would say that it is gone.")
    return State(
        "bad",
        "silent",
        f"{silence}; its jobs run again within {RESCUED_WITHIN:.0f} s of that, as long as there is a scheduler.",
    )


def _summary(found: Crew) -> str:
    alive = [process for process in found.there if process.role == "worker" and process.is_alive]
    threads = sum(process.threads for process in alive)
    running = sum(len(found.jobs.get(process.id, [])) for process in alive)
    workers, schedulers = _many(len(alive), "worker"), _many(found.alive("scheduler"), "scheduler")
    return f"{workers} with {_many(threads, 'thread')}, of which {running} work now; {schedulers}."


def _warnings(found: Crew) -> Sequence[str]:
    warnings = []
    if not found.alive("scheduler"):
        warnings.append(
            "No scheduler is running: nothing that waits for its time is handed out, nobody takes over from workers"
            " that are gone, and no schedule is kept. Start one: gatehouse scheduler"
        )
    if not found.alive("worker"):
        warnings.append("No worker is running: what comes in is kept, and waits. Start one: gatehouse worker")
        return warnings
    alive = [process for process in found.there if process.role == "worker" and process.is_alive]
    idle = [queue for queue in QUEUES if not any(queue in process.queues for process in alive)]
    if idle:
        warnings.append(f"No worker takes jobs of {', '.join(idle)}. Start one without --queues, or one for these.")
    return warnings


def _many(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
