"""Queues: `gatehouse queues list | jobs | workers | pause | resume | drain | limits | limit | unlimit | weigh | …`."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated, Any, Final
from uuid import UUID

import typer

from cli.asking import Reason as Required
from cli.dead_selection import AsJson, NoWait, Reason
from cli.job_lists import jobs, workers
from cli.permitted import needs

if TYPE_CHECKING:
    from domain.kernel.database import Database
    from domain.queue.overview import QueueStatus

app = typer.Typer(help="Queues, and who may take how much of them.", no_args_is_help=True, rich_markup_mode=None)
app.command()(jobs)
app.command()(workers)

Name = Annotated[str, typer.Argument(help="inbound, outbound, default, bulk or maintenance.")]
_LOOK_EVERY: Final = 1.0
_INTERRUPTED: Final = 130


@app.command("list")
@needs("queues.view")
def list_(*, as_json: AsJson = False) -> None:
    """Show how many jobs wait, run and are dead in each queue, and why one is paused."""
    from cli.output import show_json, show_table  # noqa: PLC0415 - as all below: --help needs none of it
    from cli.scopes import platform_scope  # noqa: PLC0415
    from domain.queue.overview import queue_statuses  # noqa: PLC0415

    with platform_scope() as session:
        rows = [_row(status) for status in queue_statuses(session)]
    if as_json:
        show_json(rows)
        return
    columns = ["name", "available", "oldest", "executing", "retryable", "scheduled", "dead", "state", "because"]
    show_table(rows, columns, empty="There is no queue.")


@app.command()
@needs("queues.change")
def pause(name: Name, *, reason: Required = "") -> None:
    """Stop handing out a queue's jobs; what runs goes on."""
    from cli.scopes import operator, platform_scope  # noqa: PLC0415
    from domain.audit.queue import pause_queue  # noqa: PLC0415

    with platform_scope() as session:
        pause_queue(session, name, reason, operator())
    typer.echo(f"{name} is paused.")


@app.command()
@needs("queues.change")
def resume(name: Name, *, reason: Reason = None) -> None:
    """Hand out a queue's jobs again."""
    from cli.scopes import operator, platform_scope  # noqa: PLC0415
    from domain.audit.queue import resume_queue  # noqa: PLC0415

    with platform_scope() as session:
        resume_queue(session, name, operator(), reason)
    typer.echo(f"{name} is open.")


@app.command()
@needs("queues.change")
def drain(name: Name, *, reason: Required = "", no_wait: NoWait = False) -> None:
    """Have a queue worked until nothing in it waits or runs, and paused then."""
    from cli.scopes import operator, platform_database  # noqa: PLC0415
    from domain.audit.queue import drain_queue  # noqa: PLC0415

    with platform_database() as database:
        with database.platform_scope() as session:
            drain_queue(session, name, reason, operator())
        if no_wait:
            typer.echo(f"{name} drains. See: gatehouse queues list")
            return
        try:
            status = _drained(database, name)
        except KeyboardInterrupt:
            typer.echo(f"{name} goes on draining. See: gatehouse queues list", err=True)
            raise typer.Exit(_INTERRUPTED) from None
    later = status.jobs["scheduled"] + status.jobs["retryable"]
    rest = f" {later} {'job is' if later == 1 else 'jobs are'} due later." if later else ""
    typer.echo(f"{name} is empty and paused.{rest}")


@app.command()
@needs("queues.view")
def limits(*, as_json: AsJson = False) -> None:
    """Show the limits on tenants, kinds and keys, and how many jobs each holds back."""
    from dataclasses import asdict  # noqa: PLC0415

    from cli.output import show_json, show_table  # noqa: PLC0415
    from cli.scopes import platform_scope  # noqa: PLC0415
    from domain.queue.limits import list_limits  # noqa: PLC0415

    with platform_scope() as session:
        rows = [asdict(limit) for limit in list_limits(session, limit=1_000)]
    if as_json:
        show_json(rows)
        return
    columns = ["id", "tenant_id", "kind", "key", "max_running", "per_minute", "running", "held"]
    show_table(rows, columns, empty="Nothing is limited.")


@app.command()
@needs("queues.change")
def limit(
    *,
    tenant: Annotated[str | None, typer.Option(help="Of this organization: its slug or id.")] = None,
    kind: Annotated[str | None, typer.Option(help="Of this kind.")] = None,
    key: Annotated[str | None, typer.Option(help="Of this key.")] = None,
    max_running: Annotated[int | None, typer.Option(help="So many at once; 0 stops them.")] = None,
    per_minute: Annotated[int | None, typer.Option(help="So many starts a minute.")] = None,
    reason: Reason = None,
) -> None:
    """Limit the jobs of a tenant, a kind or a key, or change the limit that they have."""
    from cli.organizations import id_of  # noqa: PLC0415
    from cli.scopes import operator, platform_scope  # noqa: PLC0415
    from domain.audit.queue import set_limit  # noqa: PLC0415
    from domain.queue.limits import LimitRule  # noqa: PLC0415

    with platform_scope() as session:
        rule = LimitRule(id_of(session, tenant), kind, key, max_running, per_minute)
        limit_id = set_limit(session, rule, operator(), reason)
    typer.echo(f"Limited: {limit_id}")


@app.command()
@needs("queues.change")
def unlimit(limit_id: Annotated[UUID, typer.Argument(help="The limit's id.")], *, reason: Reason = None) -> None:
    """Remove a limit; what it held back may run."""
    from cli.scopes import operator, platform_scope  # noqa: PLC0415
    from domain.audit.queue import remove_limit  # noqa: PLC0415

    with platform_scope() as session:
        remove_limit(session, limit_id, operator(), reason)
    typer.echo("Removed.")


@app.command()
@needs("queues.view")
def weights(*, as_json: AsJson = False) -> None:
    """Show the tenants that get more than one job a round."""
    from cli.output import show_json, show_table  # noqa: PLC0415
    from cli.scopes import platform_scope  # noqa: PLC0415
    from domain.queue.weights import weights as all_weights  # noqa: PLC0415

    with platform_scope() as session:
        rows = [{"tenant_id": str(tenant), "weight": weight} for tenant, weight in all_weights(session).items()]
    if as_json:
        show_json(rows)
    else:
        show_table(rows, ["tenant_id", "weight"], empty="Everybody weighs 1.")


@app.command()
@needs("queues.change")
def weigh(
    tenant: Annotated[str, typer.Argument(metavar="ORGANIZATION", help="Its slug or its id.")],
    weight: Annotated[int, typer.Argument(help="Jobs that it gets in each round; 1 is everybody's.")],
    *,
    reason: Reason = None,
) -> None:
    """Give a tenant more jobs in each round."""
    from cli.organizations import id_named  # noqa: PLC0415
    from cli.scopes import operator, platform_scope  # noqa: PLC0415
    from domain.audit.queue import set_weight  # noqa: PLC0415

    with platform_scope() as session:
        set_weight(session, id_named(session, tenant), weight, operator(), reason)
    typer.echo(f"{tenant} weighs {weight}.")


def _drained(database: Database, name: str) -> QueueStatus:
    """Wait until a queue has drained, showing what is left."""
    from rich.console import Console  # noqa: PLC0415

    from cli.failure import FailureError  # noqa: PLC0415
    from domain.queue.overview import queue_status  # noqa: PLC0415

    with Console(stderr=True).status(f"{name} drains") as shown:
        while True:
            with database.platform_scope() as session:
                status = queue_status(session, name)
            if status.draining_at is None:
                break
            shown.update(f"{name}: {status.jobs['available']:,} wait, {status.jobs['executing']:,} run")
            time.sleep(_LOOK_EVERY)
    if status.paused_at is None:
        raise FailureError(f"{name} was resumed while it drained.")
    return status


def _row(status: QueueStatus) -> dict[str, Any]:
    return {
        "name": status.name,
        **status.jobs,
        "oldest": f"{status.oldest_seconds:.0f} s" if status.jobs["available"] else "",
        "state": _state(status),
        "because": status.because,
    }


def _state(status: QueueStatus) -> str:
    if status.draining_at:
        return f"draining since {status.draining_at:%F %H:%M}"
    return f"paused since {status.paused_at:%F %H:%M}" if status.paused_at else "open"
