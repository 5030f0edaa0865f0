"""People: `gatehouse users list | show | create | invite | disable | enable | reset-password | grant | revoke | …`."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from cli import user_roles
from cli.asking import Reason as Required
from cli.failure import FailureError
from cli.permitted import needs
from cli.user_roles import (
    AsJson,
    ClientId,
    Org,
    Person,
    Reason,
    ReportsTo,
    Role,
    book,
    giver,
    grant_of,
    id_of,
    organization,
    sealer,
)

if TYPE_CHECKING:
    from domain.access.models import Membership, User
    from domain.access.users import ListedUser

app = typer.Typer(help="People with access, and their roles.", no_args_is_help=True, rich_markup_mode=None)
app.command("grant")(user_roles.grant)
app.command("revoke")(user_roles.revoke)

Name = Annotated[str, typer.Option(help="The person's name.")]


@app.command("list")
@needs("users.view")
def list_(
    *,
    search: Annotated[str | None, typer.Option(help="Part of the name or the address.")] = None,
    role: Annotated[str | None, typer.Option(help="Only people with this role.")] = None,
    state: Annotated[Literal["active", "invited", "disabled"] | None, typer.Option(help="Only these.")] = None,
    org: Annotated[str | None, typer.Option(help="Only people of this organization: its id or slug.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")] = 100,
    as_json: AsJson = False,
) -> None:
    """Show who has access, and with which roles."""
    from cli.output import show_json, show_table  # noqa: PLC0415 - as all below: --help needs none of it
    from cli.scopes import platform_scope  # noqa: PLC0415
    from domain.access.users import UserFilter, list_users  # noqa: PLC0415
    from domain.access.within import Within  # noqa: PLC0415

    with platform_scope() as session:
        within = Within(None if org is None else organization(session, org), by_platform=org is not None)
        rows = [_row(one) for one in list_users(session, UserFilter(search, role, state), within, limit=limit)]
    if as_json:
        show_json(rows)
    else:
        show_table(rows, ["id", "email", "name", "state", "second_factor", "roles"], empty="There is nobody.")


@app.command()
@needs("users.view")
def show(user: Person) -> None:
    """Show one person as JSON, with the ids of their roles, and until when they have to wait after wrong passwords."""
    from cli.output import show_json  # noqa: PLC0415
    from cli.scopes import platform_scope  # noqa: PLC0415
    from domain.access.lockout import address_key, lock_of  # noqa: PLC0415
    from domain.access.users import find_user, show_user  # noqa: PLC0415
    from domain.access.within import Within  # noqa: PLC0415

    with platform_scope() as session:
        found = show_user(session, find_user(session, user).id, Within())
        roles = [
            {name: getattr(one, name) for name in ("id", "role", "org_id", "client_id", "reports_to", "accepted_at")}
            for one in found.memberships
        ]
        more = {
            "last_sign_in_at": found.user.last_sign_in_at,
            "waits_until": lock_of(session, address_key(found.user.email), datetime.now(UTC)),
            "disabled_reason": found.user.disabled_reason,
        }
    show_json({**_row(found), **more, "roles": roles})


@app.command()
@needs("users.change")
def create(
    email: Annotated[str, typer.Argument(help="The address to sign in with.")],
    *,
    role: Role,
    name: Name = "",
    org: Org = None,
    client: ClientId = None,
    password_stdin: Annotated[bool, typer.Option("--password-stdin", help="Read the password from input.")] = False,
) -> None:
    """Make an account with a password, without a letter. So the first administrator comes in: --role super_admin."""
    from cli.scopes import operator, platform_database  # noqa: PLC0415
    from domain.access.memberships import give_role  # noqa: PLC0415
    from domain.access.password_policy import check_password  # noqa: PLC0415
    from domain.access.passwords import hash_password  # noqa: PLC0415
    from domain.access.people import read_address  # noqa: PLC0415
    from domain.access.users import create_user  # noqa: PLC0415

    address = read_address(email)
    password = _password(from_input=password_stdin)
    check_password(password, email=address, name=name)
    kept = hash_password(password)
    with platform_database() as database, database.platform_scope() as session:
        now = datetime.now(UTC)
        user = create_user(session, address, name, kept, operator(), now)
        give_role(session, book(), user.id, grant_of(session, role, org, client), giver(), now)
    typer.echo(f"{user.id} can sign in with {address}.")


@app.command()
@needs("users.change")
def invite(
    email: Annotated[str, typer.Argument(help="The address to write to.")],
    *,
    role: Role,
    name: Name = "",
    org: Org = None,
    client: ClientId = None,
    reports_to: ReportsTo = None,
) -> None:
    """Give somebody a role, which counts at once, and write to them; without an account they get a link to make one."""
    from cli.scopes import platform_scope  # noqa: PLC0415
    from domain.access.invitations import Invitation  # noqa: PLC0415
    from domain.access.invitations import invite as send_invitation  # noqa: PLC0415

    with platform_scope() as session:
        wanted = Invitation(email, grant_of(session, role, org, client), name, id_of(session, reports_to))
        held = send_invitation(session, book(), wanted, giver(), datetime.now(UTC))
    typer.echo(f"{held.user_id} is invited.")


@app.command()
@needs("users.disable")
def disable(user: Person, *, reason: Required = "") -> None:
    """Let somebody in no more; their sessions end at once."""
    from cli.scopes import operator, platform_scope  # noqa: PLC0415
    from domain.access.users import disable_user, find_user  # noqa: PLC0415

    with platform_scope() as session:
        found = find_user(session, user)
        disable_user(session, book(), found.id, reason, operator(), datetime.now(UTC))
    typer.echo(f"{found.id} is disabled.")


@app.command()
@needs("users.disable")
def enable(user: Person) -> None:
    """Let somebody in again, with the roles and the password that they had."""
    from cli.scopes import operator, platform_scope  # noqa: PLC0415
    from domain.access.users import enable_user, find_user  # noqa: PLC0415

    with platform_scope() as session:
        found = enable_user(session, find_user(session, user).id, operator())
    typer.echo(f"{found.id} is enabled.")


@app.command("reset-password")
@needs("users.change")
def reset_password(
    user: Person,
    *,
    show_link: Annotated[bool, typer.Option("--show-link", help="Print the link and send no letter.")] = False,
) -> None:
    """Write to somebody how to set a new password. The one that they have works on until they do."""
    from cli.scopes import begin, operator, platform_scope  # noqa: PLC0415
    from domain.access.password_changes import reset_link, send_reset  # noqa: PLC0415
    from domain.access.users import find_user  # noqa: PLC0415

    with platform_scope() as session:
        found, now = find_user(session, user), datetime.now(UTC)
        if show_link:
            link = begin().public_url + reset_link(session, found, operator(), now)
        else:
            send_reset(session, found, operator(), sealer=sealer(), now=now)
            link = ""
    typer.echo(link or f"A letter to {found.id} is on its way.")


@app.command("remove-second-factor")
@needs("users.disable")
def remove_second_factor(user: Person, *, reason: Reason = None) -> None:
    """Turn off the second factor of somebody who lost it and all recovery codes. Make sure first that it is them."""
    from cli.scopes import operator, platform_scope  # noqa: PLC0415
    from domain.access.second_factor_setup import remove_of  # noqa: PLC0415
    from domain.access.users import find_user  # noqa: PLC0415

    with platform_scope() as session:
        was_on = remove_of(session, find_user(session, user).id, operator(), sealer=sealer(), reason=reason)
    typer.echo("The second factor is removed." if was_on else "There was no second factor.")


def _password(*, from_input: bool) -> str:
    if from_input:
        return sys.stdin.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        raise FailureError("There is no terminal to ask for a password on. Send it with --password-stdin.")
    return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True))


def _row(listed: ListedUser) -> dict[str, Any]:
    user: User = listed.user
    return {
        "id": user.id,
        "email": user.email,
        "name": user.name,
        "state": listed.state,
        "second_factor": user.totp_confirmed_at is not None,
        "roles": ", ".join(sorted({_role(one) for one in listed.memberships})),
    }


def _role(held: Membership) -> str:
    return held.role if held.accepted_at else f"{held.role} (invited)"
