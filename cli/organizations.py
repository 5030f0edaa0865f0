"""Organizations: `gatehouse organizations list | show | create | rename | suspend | restore`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal
from uuid import UUID

import typer

from cli.asking import Reason
from cli.permitted import needs

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from domain.tenancy.models import Organization

app = typer.Typer(help="The tenants.", no_args_is_help=True, rich_markup_mode=None)

Named = Annotated[str, typer.Argument(metavar="ORGANIZATION", help="Its slug or its id.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command("list")
@needs("organizations.view")
def list_(
    *,
    status: Annotated[Literal["active", "suspended"] | None, typer.Option(help="Only those in this state.")] = None,
    search: Annotated[str | None, typer.Option(help="Only those with this in their name or slug.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")] = 100,
    after: Annotated[UUID | None, typer.Option(help="Go on after the organization with this id.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show organizations, the oldest first."""
    from cli.output import show_json, show_table  # noqa: PLC0415 - as all below: --help needs none of it
    from cli.scopes import platform_scope  # noqa: PLC0415
    from domain.tenancy.listing import list_organizations  # noqa: PLC0415

    with platform_scope() as session:
        found = list_organizations(session, status=status, search=search, limit=limit, after=after)
        rows = [_facts(one) for one in found]
    if as_json:
        show_json(rows)
    else:
        show_table(rows, ["id", "slug", "name", "status", "reason"], empty="There is no organization.")


@app.command()
@needs("organizations.view")
def show(organization: Named, *, as_json: AsJson = False) -> None:
    """Show one organization."""
    from cli.output import in_cell, show_json  # noqa: PLC0415 - as above
    from cli.scopes import platform_scope  # noqa: PLC0415
    from domain.tenancy.listing import get_organization  # noqa: PLC0415

    with platform_scope() as session:
        facts = _facts(get_organization(session, id_or_slug(organization)))
    if as_json:
        show_json(facts)
        return
    for name, value in facts.items():
        if value is not None:
            typer.echo(f"{name.replace('_', ' '):>12}  {in_cell(value)}")


@app.command()
@needs("organizations.create")
def create(
    slug: Annotated[str, typer.Argument(help="The first label of its host name; it is not changed later.")],
    name: Annotated[str, typer.Argument(help="What people call it.")],
) -> None:
    """Take an organization on."""
    from cli.scopes import operator, platform_scope  # noqa: PLC0415 - as above
    from domain.tenancy.create import create_organization  # noqa: PLC0415

    with platform_scope() as session:
        created = create_organization(session, slug=slug, name=name, actor=operator())
    typer.echo(f"Organization {created.id}.")


@app.command()
@needs("organizations.change")
def rename(organization: Named, name: Annotated[str, typer.Argument(help="The new name.")]) -> None:
    """Give an organization another name; its slug stays."""
    from cli.scopes import operator, platform_scope  # noqa: PLC0415 - as above
    from domain.tenancy.change import rename_organization  # noqa: PLC0415
    from domain.tenancy.listing import get_organization  # noqa: PLC0415

    with platform_scope() as session:
        found = get_organization(session, id_or_slug(organization))
        rename_organization(session, found.id, name, operator())
    typer.echo("Renamed.")


@app.command()
@needs("organizations.suspend")
def suspend(organization: Named, *, reason: Reason = "") -> None:
    """Stop serving an organization at once: its people and keys are refused, and nothing is sent for it."""
    from cli.scopes import operator, platform_scope  # noqa: PLC0415 - as above
    from domain.tenancy.listing import get_organization  # noqa: PLC0415
    from domain.tenancy.suspend import suspend_organization  # noqa: PLC0415

    with platform_scope() as session:
        found = get_organization(session, id_or_slug(organization))
        suspend_organization(session, found.id, reason, operator())
    typer.echo(f"Suspended. What arrives is kept. Serve it again by: gatehouse organizations restore {found.slug}")


@app.command()
@needs("organizations.suspend")
def restore(organization: Named, *, reason: Reason = "") -> None:
    """Serve a suspended organization again; what was blocked meanwhile is not sent later."""
    from cli.scopes import operator, platform_scope  # noqa: PLC0415 - as above
    from domain.tenancy.listing import get_organization  # noqa: PLC0415
    from domain.tenancy.suspend import restore_organization  # noqa: PLC0415

    with platform_scope() as session:
        found = get_organization(session, id_or_slug(organization))
        restore_organization(session, found.id, reason, operator())
    typer.echo("Restored.")


def id_or_slug(named: str) -> UUID | str:
    """Return what a person calls an organization by: an id when it reads as one (no slug does), else a slug."""
    try:
        return UUID(named)
    except ValueError:
        return named


def id_named(session: Session, named: str) -> UUID:
    """Return the id of an organization that is named by its slug or id. Raises OrganizationNotFoundError.

    An id is taken as it stands, the platform's own too.
    """
    from domain.tenancy.listing import get_organization  # noqa: PLC0415 - as above

    wanted = id_or_slug(named)
    return get_organization(session, wanted).id if isinstance(wanted, str) else wanted


def id_of(session: Session, named: str | None) -> UUID | None:
    """Return what `id_named` does, None when an option names none."""
    return None if named is None else id_named(session, named)


def id_given(named: str | None) -> UUID | None:
    """Return what `id_of` does, for a command that has not opened a scope yet. An id asks no database."""
    from cli.scopes import platform_scope  # noqa: PLC0415 - as above

    given = None if named is None else id_or_slug(named)
    if not isinstance(given, str):
        return given
    with platform_scope() as session:
        return id_named(session, given)


def _facts(organization: Organization) -> dict[str, object]:
    return {
        "id": organization.id,
        "slug": organization.slug,
        "name": organization.name,
        "status": organization.status,
        "suspended_at": organization.suspended_at,
        "reason": organization.suspended_reason,
        "created_at": organization.created_at,
    }
