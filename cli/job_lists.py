"""Lists of jobs, processes and schedules: `gatehouse queues jobs | workers`, `gatehouse jobs schedules`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.dead_selection import AsJson, Fingerprint, Kind, Org
from cli.permitted import needs

if TYPE_CHECKING:
    from domain.maintenance.standing import Schedule
    from domain.queue.crew import Process
    from domain.queue.history import JobPage, ListedJob

State = Annotated[str | None, typer.Option(help="Only in this state, such as executing or completed.")]
Queue = Annotated[str | None, typer.Option(help="Only of this queue.")]
ErrorClass = Annotated[str | None, typer.Option(help="Only those that failed of this class.")]
Limit = Annotated[int, typer.Option(min=1, max=500, help="At most so many.")]


@needs("queues.view")
def jobs(
    *,
    state: State = None,
    kind: Kind = None,
    queue: Queue = None,
    org: Org = None,
    error_class: ErrorClass = None,
    fingerprint: Fingerprint = None,
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """Show jobs, the newest first."""
    from typing import get_args  # noqa: PLC0415 - as all below: --help needs none of it

    from cli.failure import FailureError  # noqa: PLC0415
    from cli.organizations import id_given  # noqa: PLC0415
    from cli.output import show_json, show_table  # noqa: PLC0415
    from cli.scopes import platform_scope  # noqa: PLC0415
    from domain.queue.history import JobFilter, list_jobs  # noqa: PLC0415
    from domain.queue.names import State as Known  # noqa: PLC0415

    wanted = next((one for one in get_args(Known) if one == state), None)
    if state is not None and wanted is None:
        raise FailureError(f"There is no state {state!r}. There are: {', '.join(get_args(Known))}.")
    which = JobFilter(wanted, kind, queue, id_given(org), error_class, fingerprint)
    with platform_scope() as session:
        page = list_jobs(session, which, limit=limit)
    rows = [_job(job) for job in page.jobs]
    if as_json:
        show_json(rows)
        return
    show_table(rows, ["id", "kind", "state", "queue", "org_id", "made", "runs", "error"], empty="No job fits.")
    if page.next is not None:
        typer.echo(_more(page), err=True)


@needs("health.view")
def workers(*, as_json: AsJson = False) -> None:
    """Show the workers and schedulers that are there, and how many jobs each runs."""
    from cli.output import show_json, show_table  # noqa: PLC0415
    from cli.scopes import platform_scope  # noqa: PLC0415
    from domain.queue.crew import crew  # noqa: PLC0415

    with platform_scope() as session:
        found = crew(session)
    rows = [_process(process, len(found.jobs.get(process.id, []))) for process in found.there]
    if as_json:
        show_json(rows)
        return
    columns = ["id", "role", "host", "pid", "version", "state", "heard_of", "queues", "runs", "threads", "memory"]
    show_table(rows, columns, empty="No process is there. Start them: gatehouse worker, gatehouse scheduler")


@needs("health.view")
def schedules(*, as_json: AsJson = False) -> None:
    """Show what is due every so often: when it ran last, what it came to, and when it is next."""
    from cli.output import show_json, show_table  # noqa: PLC0415
    from cli.scopes import platform_scope  # noqa: PLC0415
    from domain.maintenance.listing import list_schedules  # noqa: PLC0415

    with platform_scope() as session:
        rows = [_schedule(schedule) for schedule in list_schedules(session)]
    if as_json:
        show_json(rows)
    else:
        show_table(rows, ["name", "every", "state", "last", "said", "next"], empty="There is no schedule.")


def _job(job: ListedJob) -> dict[str, Any]:
    from domain.kernel.redaction import redact_text  # noqa: PLC0415

    return {
        "id": job.id,
        "kind": job.kind,
        "state": job.state,
        "queue": job.queue,
        "org_id": job.org_id,
        "made": job.created_at,
        "runs": f"{job.attempt} of {job.max_attempts}",
        "error": redact_text(job.last_error) if job.last_error else None,
    }


def _more(page: JobPage) -> str:
    if page.looked_until is None:
        return "There are more: narrow it, or raise --limit."
    since = f"{page.looked_until:%F %H:%M:%S} UTC"
    return f"Only jobs made since {since} were looked at. Narrow it by kind, organization or error."


def _process(process: Process, runs: int) -> dict[str, Any]:
    return {
        "id": process.id,
        "role": process.role,
        "host": process.hostname,
        "pid": process.pid,
        "version": process.version,
        "state": "silent" if process.is_silent else "alive",
        "heard_of": f"{process.silent_seconds:.0f} s ago",
        "queues": ", ".join(process.queues),
        "runs": runs,
        "threads": process.threads,
        "memory": None if process.rss_bytes is None else f"{process.rss_bytes / 1e6:.0f} MB",
    }


def _schedule(schedule: Schedule) -> dict[str, Any]:
    last = schedule.last
    return {
        "name": schedule.work.name,
        "every": schedule.work.every,
        "state": schedule.standing,
        "last": last and last.started_at,
        "said": last and last.words,
        "next": schedule.next_at,
        "command": schedule.work.command,
    }
