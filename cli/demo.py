"""Try a running system as a customer would, and put the demo back: `gatehouse demo send "…" | reset`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from cli.asking import agreed
from cli.dead_selection import Reason, Yes
from cli.permitted import local, needs

if TYPE_CHECKING:
    from cli.customer import Journey

app = typer.Typer(
    help="Try a running system as a customer would, and put the demo back.", no_args_is_help=True, rich_markup_mode=None
)


@app.command()
@local("writes as a customer does, through the webhook")
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


@app.command()
@needs("maintenance.run")
def reset(*, yes: Yes = False, reason: Reason = None) -> None:
    """Put the demo tenant back to its seed: its customers' messages and what was changed of the business go.

    No other tenant is touched. The audit log, decisions and ended jobs stay. Allowed in demo safe mode.
    """
    from cli.scopes import operator, platform_scope  # noqa: PLC0415 - as above
    from migrations.seeds.reset import reset_demo  # noqa: PLC0415

    if not yes:
        agreed("Put the demo tenant back? What was written to it and changed of it goes.")
    with platform_scope() as session:
        done = reset_demo(session, operator(), reason=reason)
    removed = ", ".join(f"{count} {table.replace('_', ' ')}" for table, count in done.rows.items())
    typer.echo(f"The demo tenant is as it was seeded. Removed: {removed or 'nothing'}; {done.jobs} jobs cancelled.")


def _print(journey: Journey) -> None:
    from cli.output import show_table  # noqa: PLC0415

    if journey.reply is not None:
        typer.echo(f"{journey.reply}\n")
    typer.echo(f"{journey.headline}\n")
    show_table(journey.steps, ["after", "what", "outcome", "detail"], empty="No step is on record.")
    typer.echo(f"\n{journey.url}")
