"""Dead letters, jobs that wait for a person: `gatehouse dead list | show | requeue | discard`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

from cli.failure import FailureError

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy.orm import Session

    from domain.queue.dead import DeadFilter
    from domain.queue.models import Job

app = typer.Typer(help="Jobs that failed for good and wait for a person.", no_args_is_help=True, rich_markup_mode=None)

Kind = Annotated[str | None, typer.Option(help="Only this kind, such as delivery.send.")]
Fingerprint = Annotated[str | None, typer.Option(help="Only those that failed alike.")]
Org = Annotated[UUID | None, typer.Option(help="Only this organization's.")]
After = Annotated[datetime | None, typer.Option(help="Only those that died at or after this time (UTC).")]
Before = Annotated[datetime | None, typer.Option(help="Only those that died before this time (UTC).")]
Ids = Annotated[list[UUID] | None, typer.Argument(help="Jobs by id.")]
All = Annotated[bool, typer.Option("--all", help="All that are dead.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Don't ask.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command("list")
def list_(
    *,
    kind: Kind = None,
    fingerprint: Fingerprint = None,
    org: Org = None,
    after: After = None,
    before: Before = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many, newest first.")] = 50,
    as_json: AsJson = False,
) -> None:
    """Show what is dead, and why."""
    from cli.output import show_json, show_table  # noqa: PLC0415 - as all below: --help needs none of it
    from cli.scopes import platform_scope  # noqa: PLC0415
    from domain.queue.dead import count_dead, list_dead  # noqa: PLC0415

    which = _filter(None, kind, fingerprint, org, after, before)
    with platform_scope() as session:
        total = count_dead(session, which)
        rows = [_row(job) for job in list_dead(session, which, limit=limit, newest_first=True)]
    if as_json:
        show_json(rows)
        return
    show_table(rows, ["id", "kind", "org_id", "died", "attempts", "fingerprint", "error"], empty="Nothing is dead.")
    if total > len(rows):
        typer.echo(f"{len(rows)} of {total}.")


@app.command()
def show(job_id: Annotated[UUID, typer.Argument(help="The job's id.")]) -> None:
    """Show one dead letter with all its attempts."""
    from cli.jobs import show_job  # noqa: PLC0415

    show_job(job_id, only_dead=True)


@app.command()
def requeue(
    ids: Ids = None,
    *,
    kind: Kind = None,
    fingerprint: Fingerprint = None,
    org: Org = None,
    after: After = None,
    before: Before = None,
    everything: All = False,
    yes: Yes = False,
) -> None:
    """Run dead letters again, with all their tries and their history."""
    from domain.queue.dead import requeue as requeue_dead  # noqa: PLC0415

    which = _named(_filter(ids, kind, fingerprint, org, after, before), everything=everything)
    done, meant = _resolve(which, "Run {} again?", requeue_dead, yes=yes)
    typer.echo(f"{done} queued again.")
    if done < meant:
        raise FailureError(f"{meant - done} stay dead: a live job holds their unique key, or somebody else was faster.")


@app.command()
def discard(
    ids: Ids = None,
    *,
    reason: Annotated[str, typer.Option(help="Why nobody needs them; kept with each.", prompt="Why?")],
    kind: Kind = None,
    fingerprint: Fingerprint = None,
    org: Org = None,
    after: After = None,
    before: Before = None,
    everything: All = False,
    yes: Yes = False,
) -> None:
    """Give dead letters up for good; they become cancelled and keep their history."""
    from domain.queue.dead import discard as discard_dead  # noqa: PLC0415

    def give_up(session: Session, which: DeadFilter) -> int:
        return discard_dead(session, which, reason)

    which = _named(_filter(ids, kind, fingerprint, org, after, before), everything=everything)
    done, _ = _resolve(which, "Give {} up for good?", give_up, yes=yes)
    typer.echo(f"{done} discarded.")


def _filter(
    ids: list[UUID] | None,
    kind: str | None,
    fingerprint: str | None,
    org: UUID | None,
    after: datetime | None,
    before: datetime | None,
) -> DeadFilter:
    from domain.queue.dead import DeadFilter  # noqa: PLC0415

    return DeadFilter(ids or None, kind, fingerprint, org, _utc(after), _utc(before))


def _utc(time: datetime | None) -> datetime | None:
    return time.replace(tzinfo=UTC) if time and time.tzinfo is None else time


def _named(which: DeadFilter, *, everything: bool) -> DeadFilter:
    """Refuse to mean all dead letters by leaving every option out."""
    from domain.queue.dead import DeadFilter  # noqa: PLC0415

    if which == DeadFilter() and not everything:
        raise FailureError("Say which: ids, --kind, --fingerprint, --org, --after, --before, or --all.")
    return which


def _resolve(
    which: DeadFilter, question: str, act: Callable[[Session, DeadFilter], int], *, yes: bool
) -> tuple[int, int]:
    """Ask, then act; return how many were changed of how many were meant."""
    from cli.scopes import platform_scope  # noqa: PLC0415
    from domain.queue.dead import count_dead  # noqa: PLC0415

    with platform_scope() as session:
        meant = count_dead(session, which)
    if not meant:
        raise FailureError("No dead letter fits that.")
    if not yes:
        typer.confirm(question.format(f"{meant} dead letter{'s' if meant > 1 else ''}"), abort=True)
    with platform_scope() as session:
        return act(session, which), meant


def _row(job: Job) -> dict[str, Any]:
    from domain.kernel.redaction import redact_text  # noqa: PLC0415

    return {
        "id": job.id,
        "kind": job.kind,
        "org_id": job.org_id,
        "died": job.finished_at,
        "attempts": job.attempt,
        "fingerprint": job.fingerprint,
        "error": redact_text(job.last_error or ""),
    }
