"""Who did what: `gatehouse audit list | show | export | head | verify`."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal
from uuid import UUID

import typer

from cli.audit_verify import head, verify
from cli.permitted import needs

if TYPE_CHECKING:
    from domain.audit.listing import AuditFilter
    from domain.audit.models import AuditLog

app = typer.Typer(help="Who did what, and proof of it.", no_args_is_help=True, rich_markup_mode=None)

Org = Annotated[str | None, typer.Option(help="Only this organization's: its slug or id.")]
Client = Annotated[UUID | None, typer.Option(help="Only this client's.")]
Action = Annotated[str | None, typer.Option(help="Only this action, or those that begin so, such as dead_letter.")]
By = Annotated[str | None, typer.Option("--actor", help="Only what this account did, by name or user id.")]
TargetType = Annotated[str | None, typer.Option(help="Only what was done to this kind of thing, such as client.")]
Target = Annotated[str | None, typer.Option(help="Only what was done to this thing, by its id.")]
Request = Annotated[str | None, typer.Option(help="Only what this request did, by its id.")]
Since = Annotated[datetime | None, typer.Option(help="Only what was done at or after this time (UTC).")]
Until = Annotated[datetime | None, typer.Option(help="Only what was done before this time (UTC).")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command("list")
@needs("audit.view")
def list_(  # noqa: PLR0913 - an option each thing to search by
    *,
    org: Org = None,
    client: Client = None,
    action: Action = None,
    actor: By = None,
    target_type: TargetType = None,
    target: Target = None,
    request: Request = None,
    since: Since = None,
    until: Until = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many, newest first.")] = 50,
    as_json: AsJson = False,
) -> None:
    """Show what was done, newest first."""
    from cli.organizations import id_of  # noqa: PLC0415 - as all below: --help needs none of it
    from cli.output import show_json, show_table  # noqa: PLC0415
    from cli.scopes import platform_scope  # noqa: PLC0415
    from domain.audit.listing import list_acts  # noqa: PLC0415

    with platform_scope() as session:
        org_id = id_of(session, org)
        which = _chosen(org_id, client, action, actor, target_type, target, request, since, until)
        rows = [_row(entry) for entry in list_acts(session, which, limit=limit)]
    if as_json:
        show_json(rows)
        return
    columns = ["id", "at", "actor", "action", "target", "org_id", "client_id", "reason"]
    show_table(rows, columns, empty="Nothing of that was done.")


@app.command()
@needs("audit.view")
def show(
    entry_id: Annotated[UUID, typer.Argument(help="The entry's id, from the list.")], *, as_json: AsJson = False
) -> None:
    """Show one entry with all that it says."""
    from cli.output import in_cell, show_json  # noqa: PLC0415
    from cli.scopes import platform_scope  # noqa: PLC0415
    from domain.audit.listing import find_act  # noqa: PLC0415

    with platform_scope() as session:
        row = _row(find_act(session, entry_id))
    if as_json:
        show_json(row)
        return
    for name, value in row.items():
        if value is not None:
            typer.echo(f"{name.replace('_', ' '):>14}  {in_cell(value)}")


@app.command()
@needs("audit.view")
def export(  # noqa: PLR0913 - as above
    file: Annotated[Path, typer.Argument(help="The file to write; it must not exist yet.")],
    *,
    form: Annotated[Literal["csv", "json"], typer.Option("--format", help="csv or json.")] = "csv",
    org: Org = None,
    client: Client = None,
    action: Action = None,
    actor: By = None,
    target_type: TargetType = None,
    target: Target = None,
    request: Request = None,
    since: Since = None,
    until: Until = None,
) -> None:
    """Write all that was done to a file that nobody else can read. That is kept in the audit log."""
    from api.schemas.audit import lines  # noqa: PLC0415
    from cli.organizations import id_of  # noqa: PLC0415
    from cli.scopes import operator, platform_database  # noqa: PLC0415
    from domain.audit.listing import all_acts  # noqa: PLC0415
    from domain.audit.record import Act, record  # noqa: PLC0415

    with platform_database() as database:
        with database.platform_scope() as session:
            org_id = id_of(session, org)
            which = _chosen(org_id, client, action, actor, target_type, target, request, since, until)
            file.touch(mode=0o600, exist_ok=False)
            record(session, operator(), Act("audit.export", "audit", form, org_id=org_id, client_id=client))
        with file.open("w", encoding="utf-8", newline="") as written:
            written.writelines(lines(all_acts(database.platform_scope, which), form))
    typer.echo(f"Written: {file}")


app.command()(needs("audit.view")(head))
app.command()(needs("audit.view")(verify))


def _chosen(
    org: UUID | None,
    client: UUID | None,
    action: str | None,
    actor: str | None,
    target_type: str | None,
    target: str | None,
    request: str | None,
    since: datetime | None,
    until: datetime | None,
) -> AuditFilter:
    from domain.audit.listing import AuditFilter  # noqa: PLC0415

    return AuditFilter(action, actor, org, client, target_type, target, request, _utc(since), _utc(until))


def _utc(time: datetime | None) -> datetime | None:
    return time.replace(tzinfo=UTC) if time and time.tzinfo is None else time


def _row(entry: AuditLog) -> dict[str, Any]:
    from domain.audit.actions import ACTIONS  # noqa: PLC0415

    return {
        "id": entry.id,
        "at": entry.created_at,
        "actor": entry.actor,
        "user_id": entry.actor_user_id,
        "role": entry.role,
        "action": entry.action,
        "words": ACTIONS.get(entry.action),
        "target": f"{entry.target_type} {entry.target_id}",
        "org_id": entry.org_id,
        "client_id": entry.client_id,
        "before": entry.before,
        "after": entry.after,
        "reason": entry.reason,
        "ip": None if entry.ip is None else str(entry.ip),
        "user_agent": entry.user_agent,
        "request_id": entry.request_id,
        "sequence": entry.sequence,
        "hash": None if entry.hash is None else entry.hash.hex(),
    }
