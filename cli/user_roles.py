"""Roles of people: `gatehouse users grant | revoke`, and how commands name people and places."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from cli.permitted import needs

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from domain.access.memberships import Giver
    from domain.access.ports import Sealer
    from domain.access.principal import Grant
    from domain.access.roles.book import Roles

Person = Annotated[str, typer.Argument(metavar="USER", help="An e-mail address, or a user's id.")]
Role = Annotated[str, typer.Option(help="The role to give, such as workspace_admin.")]
Org = Annotated[str | None, typer.Option(help="The organization's id or slug; without it, the platform itself.")]
ClientId = Annotated[UUID | None, typer.Option("--client", help="For this client of the organization alone.")]
ReportsTo = Annotated[str | None, typer.Option(help="To whom they report there: an address or a user's id.")]
Reason = Annotated[str | None, typer.Option(help="Why; it is kept in the audit log.")]
AsJson = Annotated[bool, typer.Option("--json", help="As JSON, for programs.")]


@needs("users.change")
def grant(user: Person, *, role: Role, org: Org = None, client: ClientId = None, reports_to: ReportsTo = None) -> None:
    """Give somebody with an account a role; it counts at once."""
    from cli.scopes import platform_scope  # noqa: PLC0415
    from domain.access.memberships import give_role  # noqa: PLC0415
    from domain.access.users import find_user  # noqa: PLC0415

    with platform_scope() as session:
        found, wanted = find_user(session, user), grant_of(session, role, org, client)
        now, boss = datetime.now(UTC), id_of(session, reports_to)
        held = give_role(session, book(), found.id, wanted, giver(), now, reports_to=boss)
    typer.echo(f"{found.id} has the role {role} ({held.id}).")


@needs("users.change")
def revoke(
    user: Person, membership: Annotated[UUID, typer.Argument(help="The role's id, as `users show` lists it.")]
) -> None:
    """Take a role from somebody; it is refused from their next request on."""
    from cli.scopes import platform_scope  # noqa: PLC0415
    from domain.access.memberships import take_role  # noqa: PLC0415
    from domain.access.users import find_user  # noqa: PLC0415

    with platform_scope() as session:
        take_role(session, book(), find_user(session, user).id, membership, giver())
    typer.echo("The role is taken.")


def grant_of(session: Session, role: str, org: str | None, client: UUID | None) -> Grant:
    """Return the role that options name."""
    from domain.access.principal import Grant  # noqa: PLC0415
    from domain.kernel.ids import PLATFORM_ORG_ID  # noqa: PLC0415

    return Grant(role, PLATFORM_ORG_ID if org is None else organization(session, org), client)


def organization(session: Session, named: str) -> UUID:
    """Return an organization by its id or slug."""
    from domain.tenancy.resolve import find_organization  # noqa: PLC0415

    try:
        return find_organization(session, UUID(named)).id
    except ValueError:
        return find_organization(session, named).id


def id_of(session: Session, person: str | None) -> UUID | None:
    """Return who is named by an address or an id; None for nobody."""
    from domain.access.users import find_user  # noqa: PLC0415

    return None if person is None else find_user(session, person).id


def giver() -> Giver:
    """Return who gives: whoever runs the command, who may all."""
    from cli.scopes import operator  # noqa: PLC0415
    from domain.access.memberships import Giver  # noqa: PLC0415

    return Giver(operator())


def book() -> Roles:
    """Return the roles of this installation."""
    from config.places import CONFIG  # noqa: PLC0415
    from config.settings import load_roles_dir  # noqa: PLC0415
    from domain.access.roles.book import read_roles  # noqa: PLC0415

    return read_roles(CONFIG, load_roles_dir())


def sealer() -> Sealer:
    """Return what keeps secrets."""
    from cli.scopes import begin  # noqa: PLC0415
    from providers.registry import build_sealer  # noqa: PLC0415

    return build_sealer(begin())
