"""Whether owners are alerted: `gatehouse notifications status | test`."""

from __future__ import annotations

import getpass
import time
from typing import TYPE_CHECKING, Annotated, Final
from uuid import UUID

import typer

from cli.failure import FailureError
from cli.permitted import needs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from domain.alerts.trial import Verdict

app = typer.Typer(help="Whether a client's owner is alerted.", no_args_is_help=True, rich_markup_mode=None)

_LOOK_EVERY: Final = 0.5
ClientId = Annotated[UUID, typer.Argument(help="The client's id.")]


@app.command()
@needs("notifications.view")
def status(
    client_id: ClientId, *, as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False
) -> None:
    """Say whether an alert would reach the owner now, and what to do when not."""
    from dataclasses import asdict  # noqa: PLC0415 - as all below: --help needs none of it

    from cli.output import show_json, show_table  # noqa: PLC0415
    from cli.scopes import platform_scope  # noqa: PLC0415
    from domain.alerts.status import alert_status, channels_past  # noqa: PLC0415
    from domain.kernel.clock import SystemClock  # noqa: PLC0415

    with platform_scope() as session:
        found = alert_status(session, client_id, now=SystemClock().now())
        past = channels_past(session, client_id)
    rows = [{**asdict(one), **asdict(past[one.channel])} for one in found.channels]
    if as_json:
        show_json({"reachable": found.reachable, "words": found.words, "stopped": found.stopped, "channels": rows})
        return
    typer.echo(found.words)
    show_table(rows, ["channel", "chosen", "used", "reason", "last_success_at", "last_failure_at"], empty="")


@app.command("test")
@needs("notifications.test")
def send_test(
    client_id: ClientId,
    *,
    wait: Annotated[float, typer.Option(min=0, max=300, help="Seconds to wait for what becomes of it.")] = 10.0,
) -> None:
    """Send a test notification by each channel that the owner chose, and say what became of it."""
    from cli.scopes import platform_scope  # noqa: PLC0415 - as above
    from domain.alerts.trial import CannotTestError, request_trial, verdicts  # noqa: PLC0415
    from domain.audit.record import Actor  # noqa: PLC0415
    from domain.kernel.clock import SystemClock  # noqa: PLC0415

    actor = Actor(name=getpass.getuser(), role="operator")
    with platform_scope() as session:
        trial = request_trial(session, client_id, actor, now=SystemClock().now())
    if isinstance(trial, CannotTestError):
        raise FailureError(str(trial))
    until = time.monotonic() + wait
    while True:
        with platform_scope() as session:
            found = verdicts(session, trial.delivery_ids)
        if all(one.works is not None for one in found) or time.monotonic() >= until:
            break
        time.sleep(_LOOK_EVERY)
    _show(found, [f"{channel}: not sent. {reason}" for channel, reason in trial.not_sent.items()])


def _show(found: Sequence[Verdict], not_sent: Sequence[str]) -> None:
    for one in found:
        typer.echo(f"{one.channel}: {one.state}. {one.words}")
    for line in not_sent:
        typer.echo(line)
    if any(one.works is False for one in found):
        raise typer.Exit(1)
