"""Chat widgets: `gatehouse clients bots list | create | change`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, cast
from uuid import UUID

import typer

from cli.client_options import AsJson, ClientId, given
from cli.permitted import needs

if TYPE_CHECKING:
    from domain.clients.bots import GivenBot

app = typer.Typer(help="A client's chat widgets.", no_args_is_help=True, rich_markup_mode=None)

Greeting = Annotated[str | None, typer.Option(help="What it says first.")]
Colour = Annotated[str | None, typer.Option(help="As in #0b5fff.")]
Origins = Annotated[
    list[str] | None,
    typer.Option("--origin", help="A site on whose pages it may stand, https://…; may be repeated; replaces all."),
]


@app.command("list")
@needs("clients.view")
def list_(client_id: ClientId, *, as_json: AsJson = False) -> None:
    """Show a client's bots."""
    from cli.output import show_json, show_table  # noqa: PLC0415 - as all below: --help needs none of it
    from cli.scopes import platform_scope  # noqa: PLC0415
    from domain.clients.bots import list_bots  # noqa: PLC0415
    from domain.clients.find import organization_of_client  # noqa: PLC0415

    with platform_scope() as session:
        organization_of_client(session, client_id)
        rows = [
            {
                "id": bot.id,
                "name": bot.name,
                "enabled": bot.enabled,
                "origins": ", ".join(bot.allowed_origins),
                "colour": bot.accent_color,
                "greeting": bot.greeting,
            }
            for bot in list_bots(session, client_id)
        ]
    if as_json:
        show_json(rows)
    else:
        show_table(rows, ["id", "name", "enabled", "origins", "colour", "greeting"], empty="It has no bot.")


@app.command()
@needs("clients.change")
def create(
    client_id: ClientId,
    name: Annotated[str, typer.Argument(help="What visitors see.")],
    *,
    greeting: Greeting = None,
    colour: Colour = None,
    origins: Origins = None,
) -> None:
    """Give a client a bot."""
    from cli.scopes import operator, platform_scope  # noqa: PLC0415 - as above
    from domain.clients.bots import create_bot  # noqa: PLC0415

    wanted = given(greeting=greeting, accent_color=colour, allowed_origins=origins or None)
    with platform_scope() as session:
        bot = create_bot(session, client_id, cast("GivenBot", wanted | {"name": name}), operator())
    typer.echo(f"Bot {bot.id}.")


@app.command()
@needs("clients.change")
def change(
    client_id: ClientId,
    bot_id: Annotated[UUID, typer.Argument(metavar="BOT", help="The bot's id.")],
    *,
    name: Annotated[str | None, typer.Option(help="What visitors see.")] = None,
    greeting: Greeting = None,
    colour: Colour = None,
    origins: Origins = None,
    enabled: Annotated[bool | None, typer.Option("--enable/--disable", help="Whether it answers.")] = None,
) -> None:
    """Change a bot; what is left out stays."""
    from cli.scopes import operator, platform_scope  # noqa: PLC0415 - as above
    from domain.clients.bots import change_bot  # noqa: PLC0415

    wanted = given(greeting=greeting, accent_color=colour, allowed_origins=origins or None, enabled=enabled)
    if name is not None:
        wanted["name"] = name
    with platform_scope() as session:
        change_bot(session, client_id, bot_id, cast("GivenBot", wanted), operator())
    typer.echo("Changed; pages see it within seconds.")
