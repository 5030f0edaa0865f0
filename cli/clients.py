"""Clients and their organizations, whose ids other commands ask for: `gatehouse clients list`."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import typer

app = typer.Typer(help="The businesses, and whose they are.", no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def clients() -> None:
    """Show the businesses, and whose they are."""


@app.command("list")
def list_(
    *,
    org: Annotated[UUID | None, typer.Option(help="Only this organization's.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")] = 100,
    after: Annotated[UUID | None, typer.Option(help="Go on after the client with this id.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show the ids that other commands ask for: of clients, and of the organizations that serve them."""
    from dataclasses import asdict  # noqa: PLC0415 - as all below: --help needs none of it

    from cli.output import show_json, show_table  # noqa: PLC0415
    from cli.scopes import platform_scope  # noqa: PLC0415
    from domain.clients.find import list_clients  # noqa: PLC0415

    with platform_scope() as session:
        rows = [asdict(one) for one in list_clients(session, org_id=org, limit=limit, after=after)]
    if as_json:
        show_json(rows)
        return
    show_table(rows, ["id", "name", "sms_number", "org_id", "organization"], empty="There is no client.")
