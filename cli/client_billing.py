"""A client's billing: `gatehouse clients billing show | start-trial | activate | …`. No payment is made here."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from cli.client_options import ClientId
from cli.permitted import needs

if TYPE_CHECKING:
    from domain.clients.models import Client

app = typer.Typer(
    help="What billing says of a client; no payment is made here.", no_args_is_help=True, rich_markup_mode=None
)

Why = Annotated[str | None, typer.Option("--reason", help="Why; kept in the audit log.")]


@app.command()
@needs("clients.view")
def show(client_id: ClientId) -> None:
    """Show where a client's billing stands, and which steps can follow."""
    from cli.scopes import platform_scope  # noqa: PLC0415 - as all below: --help needs none of it
    from domain.clients.billing import possible_steps  # noqa: PLC0415
    from domain.clients.listing import get_client  # noqa: PLC0415

    with platform_scope() as session:
        client = get_client(session, client_id).client
        steps = possible_steps(session, client)
    _show(client)
    names = ", ".join(step.value.replace("_", "-") for step in steps)
    typer.echo(f"{'possible now':>20}  {names or 'nothing: it is archived'}")


@app.command("start-trial")
@needs("billing.change")
def start_trial(
    client_id: ClientId,
    *,
    until: Annotated[datetime | None, typer.Option(help="When it ends (UTC); in 14 days when left out.")] = None,
    reason: Why = None,
) -> None:
    """Begin the trial. There is one, once ever."""
    _take(client_id, "start_trial", reason, until)


@app.command()
@needs("billing.change")
def activate(client_id: ClientId, *, reason: Why = None) -> None:
    """Say that the client pays."""
    _take(client_id, "activate", reason)


@app.command("payment-failed")
@needs("billing.change")
def payment_failed(client_id: ClientId, *, reason: Why = None) -> None:
    """Say that a payment failed. The client is served on, as grace."""
    _take(client_id, "payment_failed", reason)


@app.command("payment-restored")
@needs("billing.change")
def payment_restored(client_id: ClientId, *, reason: Why = None) -> None:
    """Say that the client pays again."""
    _take(client_id, "payment_restored", reason)


@app.command("request-cancellation")
@needs("billing.change")
def request_cancellation(
    client_id: ClientId,
    *,
    at: Annotated[datetime | None, typer.Option(help="The last moment of service (UTC); now when left out.")] = None,
    reason: Why = None,
) -> None:
    """End the service at a time, or now."""
    _take(client_id, "request_cancellation", reason, at)


@app.command("withdraw-cancellation")
@needs("billing.change")
def withdraw_cancellation(client_id: ClientId, *, reason: Why = None) -> None:
    """Go on serving a client that was to leave."""
    _take(client_id, "withdraw_cancellation", reason)


@app.command()
@needs("billing.change")
def reactivate(client_id: ClientId, *, reason: Why = None) -> None:
    """Take a client back that has left, and pays."""
    _take(client_id, "reactivate", reason)


def _take(client_id: ClientId, step: str, reason: str | None, at: datetime | None = None) -> None:
    from cli.scopes import operator, platform_scope  # noqa: PLC0415 - as above
    from domain.clients.billing import take_step  # noqa: PLC0415
    from domain.clients.lifecycle import Step  # noqa: PLC0415

    utc = at.replace(tzinfo=UTC) if at is not None and at.tzinfo is None else at
    with platform_scope() as session:
        client = take_step(session, client_id, Step(step), operator(), at=utc, reason=reason)
    _show(client)


def _show(client: Client) -> None:
    from dataclasses import asdict  # noqa: PLC0415 - as above

    from cli.output import in_cell  # noqa: PLC0415
    from domain.clients.billing import billing_of  # noqa: PLC0415

    for name, value in asdict(billing_of(client)).items():
        if value is not None:
            typer.echo(f"{name.replace('_', ' '):>20}  {in_cell(value)}")
