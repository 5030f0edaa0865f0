"""Who must not be written to: `gatehouse suppressions list | remove`."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

import typer

from cli.failure import FailureError
from cli.permitted import needs

app = typer.Typer(help="Who must not be written to.", no_args_is_help=True, rich_markup_mode=None)

_COLUMNS = ["id", "client_id", "channel", "address", "source", "since"]


@app.command("list")
@needs("suppressions.view")
def list_(
    *,
    client: Annotated[UUID | None, typer.Option(help="Only this client's.")] = None,
    channel: Annotated[Literal["sms", "email"] | None, typer.Option(help="Only this channel's.")] = None,
    address: Annotated[str | None, typer.Option(help="Only this number or e-mail address.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many, newest first.")] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show who must not be written to, and who said so."""
    from cli.output import show_json, show_table  # noqa: PLC0415 - as all below: --help needs none of it
    from cli.scopes import platform_scope  # noqa: PLC0415
    from domain.delivery.suppressions import Which, list_suppressions  # noqa: PLC0415

    with platform_scope() as session:
        rows = [
            {
                "id": one.id,
                "client_id": one.client_id,
                "channel": one.channel,
                "address": one.address,
                "source": one.source,
                "since": one.opted_out_at,
            }
            for one in list_suppressions(session, Which(client, channel, address), limit=limit)
        ]
    if as_json:
        show_json(rows)
    else:
        show_table(rows, _COLUMNS, empty="Everybody may be written to.")


@app.command()
@needs("suppressions.remove")
def remove(
    suppression_id: Annotated[UUID, typer.Argument(help="Its id, from the list.")],
    *,
    because: Annotated[
        str | None, typer.Option(help="Why: needed where the recipient itself asked not to be written to.")
    ] = None,
) -> None:
    """Let an address be written to again, on record.

    Twilio refuses a number that texted STOP until that number itself texts START, whatever is done here.
    """
    from cli.scopes import operator, platform_scope  # noqa: PLC0415 - as above
    from domain.delivery.suppressions import NotSuppressedError, ReasonNeededError, lift  # noqa: PLC0415

    try:
        with platform_scope() as session:
            lift(session, suppression_id, operator(), because=because)
    except ReasonNeededError as error:
        raise FailureError(f"{error} Give --because.") from None
    except NotSuppressedError as error:
        raise FailureError(str(error)) from None
    typer.echo("It may be written to again.")
