"""API keys of machines: `gatehouse keys list | create | rotate | revoke`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

from cli.asking import Reason
from cli.permitted import needs

if TYPE_CHECKING:
    from domain.access.api_keys import Making
    from domain.access.key_makers import Maker
    from domain.access.models import ApiKey

app = typer.Typer(help="API keys of machines.", no_args_is_help=True, rich_markup_mode=None)

KeyId = Annotated[UUID, typer.Argument(help="The key's id.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command("list")
@needs("api_keys.view")
def list_(
    *,
    org: Annotated[str | None, typer.Option(help="Only this organization's: its slug or id.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")] = 100,
    as_json: AsJson = False,
) -> None:
    """Show keys, without their secrets."""
    from cli.organizations import id_of  # noqa: PLC0415 - as all below: --help needs none of it
    from cli.output import show_json, show_table  # noqa: PLC0415
    from cli.scopes import platform_scope  # noqa: PLC0415
    from domain.access.api_keys import list_keys  # noqa: PLC0415
    from domain.access.key_makers import makers_of  # noqa: PLC0415

    now = datetime.now(UTC)
    with platform_scope() as session:
        found = list_keys(session, org_id=id_of(session, org), limit=limit)
        makers = makers_of(session, found, sees_accounts=True)
        rows = [_row(key, now, makers[key.id]) for key in found]
    if as_json:
        show_json(rows)
        return
    columns = ["id", "prefix", "name", "org_id", "client_id", "role", "scopes", "made_by", "state", "last_used"]
    show_table(rows, columns, empty="There is no API key.")


@app.command()
@needs("api_keys.change")
def create(
    *,
    org: Annotated[
        str, typer.Option(help="The organization's slug or id; 00000000-0000-0000-0000-000000000000 is the platform.")
    ],
    name: Annotated[str, typer.Option(help="What uses it.")],
    role: Annotated[str, typer.Option(help="One of `gatehouse roles list`.")],
    client: Annotated[UUID | None, typer.Option(help="For this client alone.")] = None,
    scopes: Annotated[
        list[str] | None, typer.Option("--scope", help="Only this permission of the role; may be repeated.")
    ] = None,
    days: Annotated[int | None, typer.Option(min=1, max=3650, help="Expires after so many days.")] = None,
) -> None:
    """Create a key and print it, this once."""
    from cli.organizations import id_named  # noqa: PLC0415 - as above
    from cli.scopes import platform_scope  # noqa: PLC0415
    from domain.access.api_keys import NewKey, create_key  # noqa: PLC0415

    making = _making()
    expires = None if days is None else making.now + timedelta(days=days)
    with platform_scope() as session:
        key, text = create_key(
            session, NewKey(id_named(session, org), name, role, client, scopes or None, expires), making
        )
    typer.echo(f"Key {key.id}, shown this once:")
    typer.echo(text)


@app.command()
@needs("api_keys.change")
def rotate(
    key_id: KeyId,
    *,
    overlap_hours: Annotated[float, typer.Option(min=0, max=720, help="How long the one before works on.")] = 24,
) -> None:
    """Make a key in place of one and print it, this once. The one before works on for a while."""
    from cli.output import in_cell  # noqa: PLC0415 - as above
    from cli.scopes import platform_scope  # noqa: PLC0415
    from domain.access.api_keys import rotate_key  # noqa: PLC0415

    with platform_scope() as session:
        key, text, until = rotate_key(session, key_id, _making(), overlap=timedelta(hours=overlap_hours))
    typer.echo(f"Key {key.id}, shown this once:")
    typer.echo(text)
    typer.echo(f"The one before works until {in_cell(until)}.")


@app.command()
@needs("api_keys.revoke")
def revoke(
    key_id: KeyId,
    *,
    reason: Reason = "",
) -> None:
    """End a key at once."""
    from cli.scopes import operator, platform_scope  # noqa: PLC0415 - as above
    from domain.access.api_keys import revoke_key  # noqa: PLC0415

    with platform_scope() as session:
        key = revoke_key(session, key_id, reason, operator(), datetime.now(UTC))
        name = f"{key.name} ({key.prefix})"
    typer.echo(f"Revoked: {name}.")


def _making() -> Making:
    from cli.scopes import begin, operator  # noqa: PLC0415 - as above
    from config.places import CONFIG  # noqa: PLC0415
    from domain.access.api_keys import Making  # noqa: PLC0415
    from domain.access.roles.book import read_roles  # noqa: PLC0415

    return Making(operator(), read_roles(CONFIG, begin().roles_dir), datetime.now(UTC), None)


def _row(key: ApiKey, now: datetime, maker: Maker) -> dict[str, Any]:
    state = "works" if key.expires_at is None else f"works until {key.expires_at:%Y-%m-%d %H:%M} UTC"
    if key.revoked_at is not None:
        state = f"revoked {key.revoked_at:%Y-%m-%d %H:%M} UTC"
    elif key.expires_at is not None and key.expires_at <= now:
        state = f"expired {key.expires_at:%Y-%m-%d %H:%M} UTC"
    return {
        "id": key.id,
        "prefix": key.prefix,
        "name": key.name,
        "org_id": key.org_id,
        "client_id": key.client_id,
        "role": key.role,
        "scopes": "all" if key.scopes is None else ", ".join(key.scopes),
        "made_by": f"{key.created_by}, who has left" if maker == "left" else key.created_by,
        "state": state,
        "last_used": key.last_used_at,
    }
