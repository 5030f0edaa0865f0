"""Maintenance for cron, and single jobs: `gatehouse jobs list | run | schedules | show | cancel | run-now`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from cli.dead_selection import Reason
from cli.failure import FailureError
from cli.job_lists import schedules
from cli.permitted import needs

if TYPE_CHECKING:
    from domain.queue.models import Job, JobAttempt

app = typer.Typer(help="Maintenance for cron, and single jobs.", no_args_is_help=True, rich_markup_mode=None)
app.command()(schedules)


@app.command("list")
@needs("maintenance.run")
def list_(*, as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Show which maintenance there is and how often it should run."""
    from cli.output import show_json, show_table  # noqa: PLC0415 - as all below: --help needs none of it
    from jobs.schedule import JOBS  # noqa: PLC0415

    rows = [{"name": job.name, "every": job.every, "about": job.about} for job in JOBS]
    if as_json:
        show_json(rows)
    else:
        show_table(rows, ["name", "every", "about"], empty="There is no maintenance.")


@app.command()
@needs("maintenance.run")
def run(name: Annotated[str, typer.Argument(help="A name that `gatehouse jobs list` shows.")]) -> None:
    """Run one maintenance job now; the exit status is 0 only when it succeeded."""
    from contextlib import closing  # noqa: PLC0415

    from cli.scopes import begin, operator  # noqa: PLC0415
    from domain.kernel.database import Database  # noqa: PLC0415
    from domain.maintenance.record import recorded  # noqa: PLC0415
    from domain.maintenance.work import work_named  # noqa: PLC0415
    from jobs.schedule import job_named  # noqa: PLC0415

    job, settings = job_named(name), begin()
    with closing(Database(settings.postgres_url("app"), settings.postgres_url("platform"), pool_size=1)) as database:
        words = recorded(database.platform_scope, work_named(name).name, operator().name, lambda: job.run(settings))
    typer.echo(f"{name}: {words}")


@app.command()
@needs("queues.view")
def show(job_id: Annotated[UUID, typer.Argument(help="The job's id.")]) -> None:
    """Show one job of the queue with all its attempts."""
    show_job(job_id)


@app.command()
@needs("queues.change")
def cancel(job_id: Annotated[UUID, typer.Argument(help="The job's id.")], *, reason: Reason = None) -> None:
    """Cancel a job that waits; one that runs is not interrupted, but not run again."""
    from cli.scopes import operator, platform_scope  # noqa: PLC0415
    from domain.audit.queue import cancel_job  # noqa: PLC0415

    with platform_scope() as session:
        came_to = cancel_job(session, job_id, operator(), reason)
    typer.echo("Cancelled." if came_to == "cancelled" else "It runs now; it will not be run again.")


@app.command("run-now")
@needs("queues.change")
def run_now(job_id: Annotated[UUID, typer.Argument(help="The job's id.")], *, reason: Reason = None) -> None:
    """Let a job run now that waits for its time or for its next try."""
    from cli.scopes import operator, platform_scope  # noqa: PLC0415
    from domain.audit.queue import run_job_now  # noqa: PLC0415

    with platform_scope() as session:
        run_job_now(session, job_id, operator(), reason)
    typer.echo("It is due now.")


def show_job(job_id: UUID, *, only_dead: bool = False, reveal: bool = False) -> None:
    """Print a job and its attempts, its arguments redacted unless revealed. Raises `FailureError`, if there is none."""
    from sqlalchemy import select  # noqa: PLC0415

    from cli.output import in_cell, show_table  # noqa: PLC0415
    from cli.scopes import operator, platform_scope  # noqa: PLC0415
    from domain.audit.record import Act, record  # noqa: PLC0415
    from domain.queue.models import Job, JobAttempt  # noqa: PLC0415

    with platform_scope() as session:
        job = session.get(Job, job_id)
        if job is None or (only_dead and job.state != "dead"):
            raise FailureError(f"There is no {'dead letter' if only_dead else 'job'} {job_id}.")
        attempts = session.scalars(
            select(JobAttempt).where(JobAttempt.job_id == job_id).order_by(JobAttempt.attempt)
        ).all()
        facts = _facts(job) | ({"arguments": job.args} if reveal else {})
        if reveal:
            record(session, operator(), Act("dead_letter.reveal", "job", str(job.id), org_id=job.org_id))
        rows = [_attempt(attempt) for attempt in attempts]
    for name, value in facts.items():
        if value is not None:
            typer.echo(f"{name.replace('_', ' '):>16}  {in_cell(value)}")
    typer.echo()
    columns = ["attempt", "started", "took", "outcome", "error_class", "reason", "worker_id"]
    show_table(rows, columns, empty="It was never tried.")


def _facts(job: Job) -> dict[str, object]:
    from domain.kernel.redaction import redact, redact_text  # noqa: PLC0415

    return {
        "id": job.id,
        "kind": job.kind,
        "state": job.state,
        "queue": job.queue,
        "org": job.org_id,
        "arguments": redact(job.args),
        "subject": job.subject,
        "correlation_id": job.correlation_id,
        "made": job.created_at,
        "due": job.run_at,
        "finished": job.finished_at,
        "attempts": f"{job.attempt} of {job.max_attempts}",
        "fingerprint": job.fingerprint,
        "error": redact_text(job.last_error) if job.last_error else None,
    }


def _attempt(attempt: JobAttempt) -> dict[str, object]:
    from domain.kernel.redaction import redact_text  # noqa: PLC0415

    took = attempt.finished_at - attempt.started_at if attempt.finished_at else None
    return {
        "attempt": attempt.attempt,
        "started": attempt.started_at,
        "took": f"{took.total_seconds() * 1000:.0f} ms" if took else "runs",
        "outcome": attempt.outcome,
        "error_class": attempt.error_class,
        "reason": redact_text(attempt.reason or ""),
        "worker_id": attempt.worker_id,
    }
