"""Try a running system as a customer would: `gatehouse demo send "…"`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from cli.customer import Journey

app = typer.Typer(help="Try a running system as a customer would.", no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def demo() -> None:
    """Try a running system as a customer would."""


@app.command()
def send(
    text: Annotated[str, typer.Argument(help="What the customer writes.")],
    *,
    sender: Annotated[str, typer.Option("--from", help="The customer's number.")] = "+15005550001",
    to: Annotated[str, typer.Option(help="The business's number.")] = "+15005550006",
    wait: Annotated[float, typer.Option(min=0, help="Seconds to wait for the reply.")] = 15.0,
) -> None:
    """Text the business and show its reply.

    Posts a signed webhook as Twilio does, waits, and shows the reply with every step on record.
    """
    from cli.customer import Customer  # noqa: PLC0415 - as below: --help needs none of it
    from cli.failure import FailureError  # noqa: PLC0415
    from cli.scopes import begin  # noqa: PLC0415

    with Customer(begin()) as customer:
        correlation_id = customer.text(sender, to, text)
        journey = customer.follow(correlation_id, wait)
    _print(journey)
    if not journey.finished:
        raise FailureError(f"It was not finished within {wait:g} s. Run: gatehouse doctor")


def _print(journey: Journey) -> None:
    from cli.output import show_table  # noqa: PLC0415

    if journey.reply is not None:
        typer.echo(f"{journey.reply}\n")
    typer.echo(f"{journey.headline}\n")
    show_table(journey.steps, ["after", "what", "outcome", "detail"], empty="No step is on record.")
    typer.echo(f"\n{journey.url}")
