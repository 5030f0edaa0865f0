"""Deliveries, and what a person decides about them: `gatehouse deliveries list | show | resolve | senders`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal
from uuid import UUID

import typer

from cli.asking import Reason
from cli.failure import FailureError
from cli.permitted import needs

if TYPE_CHECKING:
    from domain.delivery.models import Delivery
    from domain.delivery.resolve import Decision

app = typer.Typer(help="What is sent, and what became of it.", no_args_is_help=True, rich_markup_mode=None)

States = Literal["pending", "sending", "unknown", "accepted", "sent", "delivered", "undelivered", "failed", "cancelled"]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_COLUMNS = ["id", "client_id", "purpose", "channel", "to", "state", "attempts", "error", "created"]


@app.command("list")
@needs("deliveries.view")
def list_(
    *,
    state: Annotated[States | None, typer.Option(help="Only those in this state.")] = None,
    client: Annotated[UUID | None, typer.Option(help="Only this client's.")] = None,
    channel: Annotated[Literal["sms", "email"] | None, typer.Option(help="Only this channel's.")] = None,
    needs_person: Annotated[bool, typer.Option("--needs-person", help="Only those that wait for a person.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many, newest first.")] = 50,
    as_json: AsJson = False,
) -> None:
    """Show deliveries, without what they say."""
    from cli.output import show_json, show_table  # noqa: PLC0415 - as all below: --help needs none of it
    from cli.scopes import platform_scope  # noqa: PLC0415
    from domain.delivery.listing import Which, list_deliveries  # noqa: PLC0415

    with platform_scope() as session:
        which = Which(state, client, channel, needs_person)
        found = list_deliveries(session, which, limit=limit)
        rows = [_row(one) for one in found.rows]
    if as_json:
        show_json(rows)
        return
    show_table(rows, _COLUMNS, empty="No delivery fits that.")
    if found.looked_until is not None:
        typer.echo(f"Looked as far back as {found.looked_until:%Y-%m-%d %H:%M} UTC.")


@app.command()
@needs("deliveries.view")
def show(delivery_id: Annotated[UUID, typer.Argument(help="Its id.")], *, as_json: AsJson = False) -> None:
    """Show one delivery with its tries and what the provider reported."""
    from cli.output import show_json, show_table  # noqa: PLC0415 - as above
    from cli.scopes import platform_scope  # noqa: PLC0415
    from domain.delivery.listing import find_delivery  # noqa: PLC0415
    from domain.kernel.errors import NotFoundError  # noqa: PLC0415

    try:
        with platform_scope() as session:
            delivery, attempts, receipts = find_delivery(session, delivery_id)
            row = _row(delivery)
            tries = [
                {
                    "try": one.attempt,
                    "outcome": one.outcome,
                    "started": one.started_at,
                    "provider_id": one.provider_id,
                    "error": " ".join(part for part in (one.error_code, one.error_text) if part),
                }
                for one in attempts
            ]
            reports = [
                {"status": one.status, "code": one.error_code, "at": one.received_at, "provider_id": one.provider_id}
                for one in receipts
            ]
    except NotFoundError:
        raise FailureError(f"There is no delivery {delivery_id}.") from None
    if as_json:
        show_json({**row, "tries": tries, "receipts": reports})
        return
    show_table([row], _COLUMNS, empty="")
    show_table(tries, ["try", "outcome", "started", "provider_id", "error"], empty="It was not tried yet.")
    show_table(reports, ["status", "code", "at", "provider_id"], empty="The provider reported nothing.")


@app.command()
@needs("deliveries.resolve")
def resolve(
    delivery_id: Annotated[UUID, typer.Argument(help="Its id.")],
    *,
    sent: Annotated[bool, typer.Option("--sent", help="It was sent after all.")] = False,
    resend: Annotated[bool, typer.Option("--resend", help="It was not sent: send it now.")] = False,
    give_up: Annotated[bool, typer.Option("--give-up", help="Don't send it.")] = False,
    reason: Reason = "",
) -> None:
    """Decide about a delivery of which nobody knows whether it was sent, or give up one that waits."""
    from cli.scopes import operator, platform_scope  # noqa: PLC0415 - as above
    from domain.delivery.resolve import Resolution, resolve_delivery  # noqa: PLC0415
    from domain.kernel.errors import ConflictError, NotFoundError  # noqa: PLC0415

    chosen: list[Decision] = []
    if sent:
        chosen.append("sent")
    if resend:
        chosen.append("resend")
    if give_up:
        chosen.append("give_up")
    if len(chosen) != 1:
        raise FailureError("Say one of --sent, --resend, --give-up.")
    try:
        with platform_scope() as session:
            state = resolve_delivery(session, delivery_id, Resolution(chosen[0], reason), operator())
    except NotFoundError:
        raise FailureError(f"There is no delivery {delivery_id}.") from None
    except ConflictError as error:
        raise FailureError(str(error)) from None
    typer.echo(f"It is {state} now.")


@app.command()
@needs("deliveries.view")
def senders(*, as_json: AsJson = False) -> None:
    """Show the senders that the provider refuses, and when each is tried again."""
    from cli.output import show_json, show_table  # noqa: PLC0415 - as above
    from cli.scopes import platform_scope  # noqa: PLC0415
    from domain.delivery.sender_flags import flagged_senders  # noqa: PLC0415

    with platform_scope() as session:
        rows = [
            {
                "id": flag.id,
                "client": name,
                "sender": flag.sender,
                "code": flag.error_code,
                "reason": flag.reason,
                "since": flag.flagged_at,
                "next_try": flag.probe_at,
            }
            for flag, name in flagged_senders(session)
        ]
    if as_json:
        show_json(rows)
    else:
        columns = ["id", "client", "sender", "code", "reason", "since", "next_try"]
        show_table(rows, columns, empty="No sender is refused.")


@app.command("clear-sender")
@needs("deliveries.resolve")
def clear_sender(
    flag_id: Annotated[UUID, typer.Argument(help="The flag's id, from the list of senders.")], *, reason: Reason = ""
) -> None:
    """Let a refused sender send again at once, when the cause is gone."""
    from cli.scopes import operator, platform_scope  # noqa: PLC0415 - as above
    from domain.delivery.resolve import clear_sender as clear  # noqa: PLC0415
    from domain.kernel.errors import NotFoundError  # noqa: PLC0415

    try:
        with platform_scope() as session:
            clear(session, flag_id, operator(), reason)
    except NotFoundError as error:
        raise FailureError(str(error)) from None
    typer.echo("It may send again; what waits follows within minutes.")


def _row(one: Delivery) -> dict[str, Any]:
    from domain.delivery.listing import recipient  # noqa: PLC0415 - as above

    return {
        "id": one.id,
        "client_id": one.client_id,
        "purpose": one.purpose,
        "channel": one.channel,
        "to": recipient(one),
        "state": one.state,
        "needs_person": one.state == "unknown" and one.asked_person_at is not None,
        "attempts": one.attempts,
        "segments": one.segments,
        "error": " ".join(part for part in (one.error_code, one.error_text) if part),
        "created": one.created_at,
        "expires": one.expires_at,
    }
