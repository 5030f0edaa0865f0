"""Dead letters, jobs that wait for a person: `gatehouse dead list | groups | show | requeue | edit | discard`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

from cli.asking import agreed, because
from cli.dead_edit import edit
from cli.dead_selection import (
    After,
    All,
    AsJson,
    Before,
    Fingerprint,
    Ids,
    Kind,
    NoWait,
    Org,
    Reason,
    Yes,
    chosen,
    named,
)
from cli.failure import FailureError
from cli.permitted import needs

if TYPE_CHECKING:
    from domain.deadletters.groups import Group
    from domain.queue.dead import DeadFilter
    from domain.queue.models import Job

app = typer.Typer(help="Jobs that failed for good and wait for a person.", no_args_is_help=True, rich_markup_mode=None)

Limit = Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")]


@app.command("list")
@needs("dead_letters.view")
def list_(
    *,
    kind: Kind = None,
    fingerprint: Fingerprint = None,
    org: Org = None,
    after: After = None,
    before: Before = None,
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """Show what is dead, and why, newest first."""
    from cli.output import show_json, show_table  # noqa: PLC0415 - as all below: --help needs none of it
    from cli.scopes import platform_scope  # noqa: PLC0415
    from domain.queue.dead import count_dead, list_dead  # noqa: PLC0415

    which = chosen(None, kind, fingerprint, org, after, before)
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
@needs("dead_letters.view")
def groups(
    *,
    kind: Kind = None,
    org: Org = None,
    after: After = None,
    before: Before = None,
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """Show of which causes jobs died, the most frequent first."""
    from cli.output import show_json, show_table  # noqa: PLC0415
    from cli.scopes import platform_scope  # noqa: PLC0415
    from domain.deadletters.groups import list_groups  # noqa: PLC0415

    which = chosen(None, kind, None, org, after, before)
    with platform_scope() as session:
        found = list_groups(session, which, limit=limit)
    rows = [_group_row(group) for group in found]
    if as_json:
        show_json(rows)
        return
    columns = ["count", "kind", "fingerprint", "tenants", "first", "last", "error_class", "reason"]
    show_table(rows, columns, empty="Nothing is dead.")


@app.command()
@needs("dead_letters.view")
def show(
    job_id: Annotated[UUID, typer.Argument(help="The job's id.")],
    *,
    reveal: Annotated[bool, typer.Option(help="Show the arguments unredacted; that is kept in the audit log.")] = False,
) -> None:
    """Show one dead letter with all its attempts."""
    from cli.jobs import show_job  # noqa: PLC0415

    show_job(job_id, only_dead=True, reveal=reveal)


@app.command()
@needs("dead_letters.requeue")
def requeue(  # noqa: PLR0913 - its options
    ids: Ids = None,
    *,
    kind: Kind = None,
    fingerprint: Fingerprint = None,
    org: Org = None,
    after: After = None,
    before: Before = None,
    everything: All = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would happen.")] = False,
    rate: Annotated[int | None, typer.Option(min=1, help="Start at most so many a minute.")] = None,
    reason: Reason = None,
    yes: Yes = False,
    no_wait: NoWait = False,
    as_json: AsJson = False,
) -> None:
    """Run dead letters again, with all their tries and their history."""
    from cli.dead_operations import begin_and_follow, tell  # noqa: PLC0415
    from domain.deadletters.operations import Request  # noqa: PLC0415

    which = named(chosen(ids, kind, fingerprint, org, after, before), everything=everything)
    if dry_run:
        _forecast(which, as_json=as_json)
        return
    _count(which)
    why = because(reason)
    if not yes:
        _forecast(which, as_json=False)
        agreed("Run them again?")
    tell(begin_and_follow(Request("requeue", which, why, rate), wait=not no_wait), "queued again")


app.command()(edit)


@app.command()
@needs("dead_letters.discard")
def discard(  # noqa: PLR0913 - as above
    ids: Ids = None,
    *,
    reason: Reason = None,
    kind: Kind = None,
    fingerprint: Fingerprint = None,
    org: Org = None,
    after: After = None,
    before: Before = None,
    everything: All = False,
    yes: Yes = False,
    no_wait: NoWait = False,
) -> None:
    """Give dead letters up for good; they become cancelled and keep their history."""
    from cli.dead_operations import begin_and_follow, tell  # noqa: PLC0415
    from domain.deadletters.operations import Request  # noqa: PLC0415

    which = named(chosen(ids, kind, fingerprint, org, after, before), everything=everything)
    meant = _count(which)
    why = because(reason)
    if not yes:
        agreed(f"Give {meant} dead letter{'s' if meant > 1 else ''} up for good?")
    tell(begin_and_follow(Request("discard", which, why), wait=not no_wait), "discarded")


@app.command()
@needs("dead_letters.requeue")
def operations(
    operation_id: Annotated[UUID | None, typer.Argument(help="One operation, to be followed to its end.")] = None,
    *,
    cancel: Annotated[bool, typer.Option("--cancel", help="Stop it; what is done stays done.")] = False,
    limit: Limit = 20,
    as_json: AsJson = False,
) -> None:
    """Show who requeued and discarded what, and how far it has come."""
    from cli.dead_operations import follow, row  # noqa: PLC0415
    from cli.output import show_json, show_table  # noqa: PLC0415
    from cli.scopes import operator, platform_database  # noqa: PLC0415
    from domain.deadletters import operations as known  # noqa: PLC0415

    if cancel and operation_id is None:
        raise FailureError("Say which operation to cancel.")
    with platform_database() as database:
        with database.platform_scope() as session:
            if operation_id is None:
                found = list(known.recent(session, limit=limit))
            elif cancel:
                found = [known.cancel(session, operation_id, operator())]
            else:
                found = [known.find(session, operation_id)]
        if operation_id is not None and not as_json and found[0].state == "running":
            found = [follow(database, operation_id)]
    rows = [row(operation) for operation in found]
    if as_json:
        show_json(rows)
    else:
        columns = ["id", "action", "state", "done", "skipped", "total", "per_minute", "which", "actor", "reason"]
        show_table(rows, columns, empty="There was none.")


def _count(which: DeadFilter) -> int:
    from cli.scopes import platform_scope  # noqa: PLC0415
    from domain.queue.dead import count_dead  # noqa: PLC0415

    with platform_scope() as session:
        meant = count_dead(session, which)
    if not meant:
        raise FailureError("No dead letter fits that.")
    return meant


def _forecast(which: DeadFilter, *, as_json: bool) -> None:
    from datetime import UTC, datetime  # noqa: PLC0415

    from cli.output import show_json  # noqa: PLC0415
    from cli.scopes import platform_scope  # noqa: PLC0415
    from domain.deadletters.forecast import forecast  # noqa: PLC0415

    with platform_scope() as session:
        found = forecast(session, which, now=datetime.now(UTC))
    if as_json:
        fates = {fate.value: count for fate, count in found.fates.items()}
        show_json({"total": found.total, "fates": fates, "blocks": dict(found.blocks), "words": found.words()})
    else:
        typer.echo(found.words())


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


def _group_row(group: Group) -> dict[str, Any]:
    return {
        "count": group.count,
        "kind": group.kind,
        "fingerprint": group.fingerprint,
        "tenants": group.tenants,
        "first": group.first_at,
        "last": group.last_at,
        "error_class": group.error_class,
        "reason": group.reason,
        "samples": [str(job_id) for job_id in group.samples],
    }
