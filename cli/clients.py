"""Clients: `gatehouse clients list | show | create | change | booking | go-live | pause | resume | archive`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, cast
from uuid import UUID

import typer

from cli import client_billing, client_bots, client_settings
from cli.asking import Reason
from cli.client_options import (
    AsJson,
    ClientId,
    Number,
    OwnerEmail,
    OwnerName,
    OwnerPhone,
    Service,
    Timezone,
    given,
)
from cli.permitted import needs

if TYPE_CHECKING:
    from domain.clients.details import Details

app = typer.Typer(help="The businesses, and whose they are.", no_args_is_help=True, rich_markup_mode=None)
app.command("settings")(needs("clients.change")(client_settings.settings))
app.add_typer(client_billing.app, name="billing")
app.add_typer(client_bots.app, name="bots")

SwitchName = Annotated[
    Literal["outbound", "notifications", "ai"],
    typer.Argument(metavar="SWITCH", help="outbound (all that leaves), notifications (to the owner) or ai (replies)."),
]


@app.command("list")
@needs("clients.view")
def list_(
    *,
    org: Annotated[str | None, typer.Option(help="Only this organization's: its slug or id.")] = None,
    search: Annotated[str | None, typer.Option(help="Only those with this in their name or slug.")] = None,
    archived: Annotated[bool, typer.Option("--archived", help="Those that are archived instead.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")] = 100,
    after: Annotated[UUID | None, typer.Option(help="Go on after the client with this id.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show the ids that other commands ask for: of clients, and of the organizations that serve them."""
    from cli.organizations import id_of  # noqa: PLC0415 - as all below: --help needs none of it
    from cli.output import show_json, show_table  # noqa: PLC0415
    from cli.scopes import platform_scope  # noqa: PLC0415
    from domain.clients.listing import Which, list_with_organizations  # noqa: PLC0415

    with platform_scope() as session:
        which = Which(id_of(session, org), search, archived=archived)
        rows = [
            {
                "id": client.id,
                "name": client.name,
                "sms_number": client.sms_number,
                "org_id": client.org_id,
                "organization": organization.name,
                "live": client.onboarding_complete,
                "billing": client.billing_status,
            }
            for client, organization in list_with_organizations(session, which, limit=limit, after=after)
        ]
    if as_json:
        show_json(rows)
        return
    columns = ["id", "name", "sms_number", "org_id", "organization", "live", "billing"]
    show_table(rows, columns, empty="There is no client.")


@app.command()
@needs("clients.view")
def show(client_id: ClientId, *, as_json: AsJson = False) -> None:
    """Show one client with its settings and bots, and what the gate would decide now."""
    from cli.client_facts import client_facts  # noqa: PLC0415 - as above
    from cli.output import in_cell, show_json  # noqa: PLC0415
    from cli.scopes import platform_scope  # noqa: PLC0415

    with platform_scope() as session:
        facts = client_facts(session, client_id)
    if as_json:
        show_json(facts)
        return
    for name, value in facts.items():
        if value is not None:
            typer.echo(f"{name.replace('_', ' '):>24}  {in_cell(value)}")


@app.command()
@needs("clients.create")
def create(
    organization: Annotated[str, typer.Argument(help="The organization's slug or id.")],
    name: Annotated[str, typer.Argument(help="What people call the business.")],
    *,
    slug: Annotated[str | None, typer.Option(help="Made of the name when left out.")] = None,
    timezone: Timezone = None,
    number: Number = None,
    messaging_service: Service = None,
    owner_name: OwnerName = None,
    owner_phone: OwnerPhone = None,
    owner_email: OwnerEmail = None,
) -> None:
    """Take a client on. It answers nobody before it goes live."""
    from cli.organizations import id_or_slug  # noqa: PLC0415 - as above
    from cli.scopes import operator, platform_scope  # noqa: PLC0415
    from domain.clients.create import create_client  # noqa: PLC0415
    from domain.tenancy.listing import get_organization  # noqa: PLC0415

    details = _details(name, timezone, number, messaging_service, owner_name, owner_phone, owner_email)
    with platform_scope() as session:
        org_id = get_organization(session, id_or_slug(organization)).id
        client = create_client(session, org_id, details, operator(), slug=slug)
    typer.echo(f"Client {client.id}. Once it is set up, take it live by: gatehouse clients go-live {client.id}")


@app.command()
@needs("clients.change")
def change(
    client_id: ClientId,
    *,
    name: Annotated[str | None, typer.Option(help="What people call the business.")] = None,
    timezone: Timezone = None,
    number: Number = None,
    messaging_service: Service = None,
    owner_name: OwnerName = None,
    owner_phone: OwnerPhone = None,
    owner_email: OwnerEmail = None,
) -> None:
    """Change details of a client; what is left out stays."""
    from cli.scopes import operator, platform_scope  # noqa: PLC0415 - as above
    from domain.clients.change import change_client  # noqa: PLC0415

    details = _details(name, timezone, number, messaging_service, owner_name, owner_phone, owner_email)
    with platform_scope() as session:
        change_client(session, client_id, details, operator())
    typer.echo("Changed.")


@app.command()
@needs("clients.change")
def booking(
    client_id: ClientId,
    mode: Annotated[Literal["none", "redirect", "capture"], typer.Argument(help="How customers book.")],
    *,
    url: Annotated[str | None, typer.Option(help="The outside page, https://…")] = None,
) -> None:
    """Say how customers book: not at all, by an outside page, or by leaving a request."""
    from cli.scopes import operator, platform_scope  # noqa: PLC0415 - as above
    from domain.clients.change import change_booking  # noqa: PLC0415

    with platform_scope() as session:
        change_booking(session, client_id, mode, url, operator())
    typer.echo("Changed.")


@app.command()
@needs("switches.throw")
def pause(client_id: ClientId, switch: SwitchName, *, reason: Reason = "") -> None:
    """Stop something for a client, at once and for what waits as well."""
    _throw(client_id, switch, reason, stopped=True)
    typer.echo("Stopped. What is not sent now is not sent later.")


@app.command()
@needs("switches.throw")
def resume(client_id: ClientId, switch: SwitchName, *, reason: Reason = "") -> None:
    """Let something that was stopped go on."""
    _throw(client_id, switch, reason, stopped=False)
    typer.echo("It goes on.")


@app.command("go-live")
@needs("clients.go_live")
def go_live(client_id: ClientId) -> None:
    """Complete a client's onboarding: from now on its customers are answered."""
    from cli.scopes import operator, platform_scope  # noqa: PLC0415 - as above
    from domain.clients.onboarding import go_live as take_live  # noqa: PLC0415

    with platform_scope() as session:
        take_live(session, client_id, operator())
    typer.echo("It is live.")


@app.command()
@needs("clients.archive")
def archive(client_id: ClientId, *, reason: Reason = "") -> None:
    """Part with a client for good: its number is free, nothing is sent any more, its history stays."""
    from cli.scopes import operator, platform_scope  # noqa: PLC0415 - as above
    from domain.clients.archive import archive_client  # noqa: PLC0415

    with platform_scope() as session:
        archive_client(session, client_id, reason, operator())
    typer.echo("Archived.")


def _throw(client_id: UUID, switch: str, reason: str, *, stopped: bool) -> None:
    from cli.scopes import operator, platform_scope  # noqa: PLC0415 - as above
    from domain.clients.switches import Switch, throw_switch  # noqa: PLC0415

    with platform_scope() as session:
        throw_switch(session, client_id, Switch[switch.upper()], operator(), stopped=stopped, reason=reason)


def _details(
    name: str | None,
    timezone: str | None,
    number: str | None,
    service: str | None,
    owner_name: str | None,
    owner_phone: str | None,
    owner_email: str | None,
) -> Details:
    details = given(
        timezone=timezone,
        sms_number=number,
        messaging_service_sid=service,
        owner_name=owner_name,
        owner_phone=owner_phone,
        owner_email=owner_email,
    )
    return cast("Details", details if name is None else details | {"name": name})
