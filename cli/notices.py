"""What waits for a person: `gatehouse notices list | resolve`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

from cli.dead_selection import AsJson, Org, Reason
from cli.permitted import needs

if TYPE_CHECKING:
    from domain.notices.models import Notice

app = typer.Typer(help="What waits for a person.", no_args_is_help=True, rich_markup_mode=None)


@app.command("list")
@needs("notices.view")
def list_(
    *,
    kind: Annotated[str | None, typer.Option(help="Only this kind, such as sender_refused.")] = None,
    org: Org = None,
    resolved: Annotated[bool, typer.Option("--resolved", help="Those that are resolved, instead.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many, newest first.")] = 50,
    as_json: AsJson = False,
) -> None:
    """Show what waits for a person, and how often it happened."""
    from cli.organizations import id_of  # noqa: PLC0415 - as all below: --help needs none of it
    from cli.output import show_json, show_table  # noqa: PLC0415
    from cli.scopes import platform_scope  # noqa: PLC0415
    from domain.notices.listing import list_notices  # noqa: PLC0415

    with platform_scope() as session:
        found = list_notices(session, kind=kind, org_id=id_of(session, org), resolved=resolved, limit=limit)
        rows = [_row(notice) for notice in found]
    if as_json:
        show_json(rows)
        return
    columns = ["id", "kind", "subject", "count", "first", "last", "org_id", "words"]
    show_table(rows, [*columns, "resolved_by"] if resolved else columns, empty="Nothing waits for a person.")


@app.command()
@needs("notices.resolve")
def resolve(notice_id: Annotated[UUID, typer.Argument(help="The notice's id.")], *, reason: Reason = None) -> None:
    """Take a notice off the list; what raised it raises it anew when it happens again."""
    from cli.scopes import operator, platform_scope  # noqa: PLC0415
    from domain.audit.record import Act, record  # noqa: PLC0415
    from domain.kernel.reasons import fit_reason_given  # noqa: PLC0415
    from domain.notices.listing import resolve_by_id  # noqa: PLC0415

    actor = operator()
    with platform_scope() as session:
        notice = resolve_by_id(session, notice_id, by=actor.name)
        record(
            session,
            actor,
            Act("notice.resolve", "notice", str(notice_id), fit_reason_given(reason), org_id=notice.org_id),
        )
    typer.echo("Resolved.")


def _row(notice: Notice) -> dict[str, Any]:
    return {
        "id": notice.id,
        "kind": notice.kind,
        "subject": notice.subject,
        "count": notice.count,
        "first": notice.first_at,
        "last": notice.last_at,
        "org_id": notice.org_id,
        "words": notice.words,
        "resolved_by": notice.resolved_by,
    }
