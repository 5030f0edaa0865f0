"""Webhook endpoints: `gatehouse webhooks list | create | rotate | enable | disable | test | sends | replay`."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any, cast
from uuid import UUID

import typer

from cli.asking import Reason
from cli.failure import FailureError
from cli.permitted import needs

if TYPE_CHECKING:
    from domain.webhooks.listing import ListedSend
    from domain.webhooks.means import WebhookMeans
    from domain.webhooks.models import Endpoint, SendState

app = typer.Typer(help="Webhook endpoints of tenants.", no_args_is_help=True, rich_markup_mode=None)


class State(str, Enum):  # noqa: UP042 - Typer shows the values of such a one
    """How far a send has come."""

    pending = "pending"
    delivered = "delivered"
    failed = "failed"
    cancelled = "cancelled"


EndpointId = Annotated[UUID, typer.Argument(help="The endpoint's id.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Org = Annotated[str | None, typer.Option(help="Only this organization's: its slug or id.")]
Limit = Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")]
Events = Annotated[list[str], typer.Option("--event", help='A type of event, or "*" for all; may be repeated.')]


@app.command("list")
@needs("webhooks.view")
def list_(*, org: Org = None, limit: Limit = 100, as_json: AsJson = False) -> None:
    """Show endpoints and how they do."""
    from cli.organizations import id_of  # noqa: PLC0415 - as all below: --help needs none of it
    from cli.output import show_json, show_table  # noqa: PLC0415
    from cli.scopes import platform_scope  # noqa: PLC0415
    from domain.webhooks.listing import list_endpoints  # noqa: PLC0415

    with platform_scope() as session:
        found = list_endpoints(session, org_id=id_of(session, org), limit=limit)
        rows = [_endpoint_row(one) for one in found]
    if as_json:
        show_json(rows)
        return
    columns = ["id", "org_id", "client_id", "url", "events", "state", "description"]
    show_table(rows, columns, empty="There is no webhook endpoint.")


@app.command()
@needs("webhooks.change")
def create(
    *,
    org: Annotated[str, typer.Option(help="The organization's slug or id.")],
    url: Annotated[str, typer.Option(help="Where it is called; https:// in production.")],
    events: Events,
    client: Annotated[UUID | None, typer.Option(help="Tell it of this client alone.")] = None,
    description: Annotated[str, typer.Option(help="What it is.")] = "",
) -> None:
    """Create an endpoint and print its secret, which is shown this once."""
    from cli.organizations import id_named  # noqa: PLC0415 - as above
    from cli.scopes import operator, platform_database  # noqa: PLC0415
    from domain.webhooks.endpoints import NewEndpoint, create_endpoint, limit_calls  # noqa: PLC0415

    means = _means()
    with platform_database() as database:
        limit_calls(database)
        with database.platform_scope() as session:
            new = NewEndpoint(id_named(session, org), client, url, events, description)
            endpoint, secret = create_endpoint(session, new, means, operator())
    typer.echo(f"Endpoint {endpoint.id}. Its secret, shown this once: {secret}")


@app.command()
@needs("webhooks.change")
def rotate(endpoint_id: EndpointId) -> None:
    """Give an endpoint a new secret and print it, this once. The one before signs as well for a day."""
    from cli.output import in_cell  # noqa: PLC0415 - as above
    from cli.scopes import operator, platform_scope  # noqa: PLC0415
    from domain.webhooks.endpoints import rotate_secret  # noqa: PLC0415

    means = _means()
    with platform_scope() as session:
        endpoint, secret = rotate_secret(session, endpoint_id, means, operator())
    typer.echo(f"The new secret, shown this once: {secret}")
    typer.echo(f"Until {in_cell(endpoint.previous_until)} the one before signs as well.")


@app.command()
@needs("webhooks.change")
def enable(endpoint_id: EndpointId) -> None:
    """Call an endpoint again, from the next event on."""
    from cli.scopes import operator, platform_scope  # noqa: PLC0415 - as above
    from domain.webhooks.endpoints import enable_endpoint  # noqa: PLC0415
    from domain.webhooks.listing import get_endpoint  # noqa: PLC0415

    means = _means()
    with platform_scope() as session:
        before = get_endpoint(session, endpoint_id)
        since = before.failing_since or before.disabled_at
        enable_endpoint(session, endpoint_id, means, operator())
    typer.echo("Enabled.")
    if since is not None:
        span = f"--from {since:%Y-%m-%dT%H:%M:%S} --to {means.clock.now():%Y-%m-%dT%H:%M:%S}"
        typer.echo(f"What it missed is sent by: gatehouse webhooks replay --endpoint {endpoint_id} {span}")


@app.command()
@needs("webhooks.change")
def disable(
    endpoint_id: EndpointId,
    *,
    reason: Reason = "",
) -> None:
    """Call an endpoint no more and cancel what waits for it."""
    from cli.scopes import operator, platform_scope  # noqa: PLC0415 - as above
    from domain.webhooks.endpoints import disable_endpoint  # noqa: PLC0415

    means = _means()
    with platform_scope() as session:
        _, cancelled = disable_endpoint(session, endpoint_id, reason, means, operator())
    typer.echo(f"Disabled. {cancelled} waiting events were cancelled.")


@app.command()
@needs("webhooks.change")
def test(endpoint_id: EndpointId) -> None:
    """Send `webhook.test` now and say what came of it; the status is 0 only when the receiver took it."""
    from cli.scopes import operator, platform_database  # noqa: PLC0415 - as above
    from domain.webhooks.probe import probe_endpoint  # noqa: PLC0415

    means = _means()
    with platform_database() as database:
        probe = probe_endpoint(database.platform_scope, endpoint_id, means, operator())
    if not probe.delivered:
        raise FailureError(f"Not delivered after {probe.milliseconds} ms. {probe.error}")
    typer.echo(
        f"Delivered in {probe.milliseconds} ms: the receiver answered {probe.status}. {probe.error or ''}".strip()
    )


@app.command()
@needs("webhooks.view")
def sends(
    endpoint_id: EndpointId,
    *,
    state: Annotated[State | None, typer.Option(help="Only those in this state.")] = None,
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """Show what was sent to an endpoint, newest first, and what came of it."""
    from cli.output import show_json, show_table  # noqa: PLC0415 - as above
    from cli.scopes import platform_scope  # noqa: PLC0415
    from domain.webhooks.listing import list_sends  # noqa: PLC0415

    wanted = cast("SendState | None", state and state.value)
    with platform_scope() as session:
        rows = [_send_row(one) for one in list_sends(session, endpoint_id, state=wanted, limit=limit)]
    if as_json:
        show_json(rows)
        return
    columns = ["id", "type", "occurred", "replay", "state", "attempts", "last_call"]
    show_table(rows, columns, empty="Nothing was sent to it.")


@app.command()
@needs("webhooks.change")
def replay(
    send: Annotated[UUID | None, typer.Argument(help="One send by its id.")] = None,
    *,
    endpoint: Annotated[UUID | None, typer.Option(help="Or all of a time, to this endpoint.")] = None,
    start: Annotated[datetime | None, typer.Option("--from", help="Events at or after this time (UTC).")] = None,
    end: Annotated[datetime | None, typer.Option("--to", help="Events before this time (UTC).")] = None,
    events: Annotated[
        list[str] | None, typer.Option("--event", help="Only this type; its own when left out; may be repeated.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Those too that it took before.")] = False,
) -> None:
    """Send one event again, or those of a time that an endpoint missed."""
    from cli.scopes import operator, platform_scope  # noqa: PLC0415 - as above
    from domain.webhooks.replay import Range, replay_range, replay_send  # noqa: PLC0415

    means = _means()
    if send is not None and endpoint is None:
        with platform_scope() as session:
            new = replay_send(session, send, means, operator())
        typer.echo(f"Send {new.id} is on its way.")
        return
    if send is not None or endpoint is None or start is None or end is None:
        raise FailureError("Say which: the id of a send, or --endpoint with --from and --to.")
    with platform_scope() as session:
        which = Range(_utc(start), _utc(end), events or (), only_missed=not everything)
        asked = replay_range(session, endpoint, which, operator())
    typer.echo(f"{asked.events} events will be sent, by job {asked.job_id}.")


def _means() -> WebhookMeans:
    from cli.scopes import begin  # noqa: PLC0415 - as above
    from domain.kernel.clock import SystemClock  # noqa: PLC0415
    from domain.webhooks.means import WebhookMeans  # noqa: PLC0415
    from providers.registry import build_sealer, build_webhooks  # noqa: PLC0415

    settings = begin()
    return WebhookMeans(build_webhooks(settings), build_sealer(settings), SystemClock())


def _utc(time: datetime) -> datetime:
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time


def _endpoint_row(endpoint: Endpoint) -> dict[str, Any]:
    from domain.webhooks.endpoints import place  # noqa: PLC0415 - as above

    state = (
        "enabled" if endpoint.failing_since is None else f"failing since {endpoint.failing_since:%Y-%m-%d %H:%M} UTC"
    )
    if not endpoint.enabled:
        state = f"disabled: {endpoint.disabled_because or ''}"
    return {
        "id": endpoint.id,
        "org_id": endpoint.org_id,
        "client_id": endpoint.client_id,
        # Without its path, which may hold the receiver's token: terminals are recorded.
        "url": place(endpoint.url),
        "events": ", ".join(endpoint.events),
        "state": state,
        "description": endpoint.description,
    }


def _send_row(one: ListedSend) -> dict[str, Any]:
    last = one.attempts[-1] if one.attempts else None
    return {
        "id": one.send.id,
        "event_id": one.event.id,
        "type": one.event.type,
        "occurred": one.event.occurred_at,
        "replay": one.send.replay,
        "state": one.send.state,
        "attempts": one.send.attempts,
        "last_call": "" if last is None else last.error or last.status or "under way",
    }
