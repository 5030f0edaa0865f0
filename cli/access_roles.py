"""What people may do: `gatehouse roles list | show | validate | export`. The processes' roles are in `cli.roles`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.permitted import local, needs

if TYPE_CHECKING:
    from domain.access.roles.book import Roles
    from domain.access.roles.role import Role

app = typer.Typer(
    help="Roles: who may do what, and what their pages show.", no_args_is_help=True, rich_markup_mode=None
)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command("list")
@needs("roles.view")
def list_(*, as_json: AsJson = False) -> None:
    """Show the roles that can be given."""
    from cli.output import show_json, show_table  # noqa: PLC0415 - as all below: --help needs none of it

    rows = [
        {
            "role": role.name,
            "version": role.version,
            "name": role.display_name,
            "permissions": len(role.scopes),
            "inherits": ", ".join(role.inherits),
            "about": role.about,
        }
        for role in _roles().roles.values()
    ]
    if as_json:
        show_json(rows)
    else:
        show_table(rows, ["role", "version", "name", "permissions", "inherits", "about"], empty="There is none.")


@app.command()
@needs("roles.view")
def show(
    role: Annotated[str, typer.Argument(help="The role's name, such as workspace_viewer.")],
    *,
    org: Annotated[str | None, typer.Option(help="As this organization has it: its slug or id.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show what a role allows and how far, with all that it inherits."""
    from cli.output import show_json, show_table  # noqa: PLC0415
    from domain.access.roles.errors import UnknownRoleError  # noqa: PLC0415

    roles = _roles()
    found = roles.roles.get(role) or roles.abstract.get(role)
    if found is None:
        raise UnknownRoleError(f"There is no role {role!r}. There are: {', '.join(roles.roles)}.")
    if org is not None:
        found = _of_organization(roles, found, org)
    if as_json:
        show_json(_document(found))
        return
    line = " → ".join((found.name, *found.inherits))
    typer.echo(f"{found.display_name} ({line}), version {found.version}: {found.about}.\n")
    rows = [
        {"permission": name, "scope": scope.value, "about": roles.permissions[name].about}
        for name, scope in found.scopes.items()
    ]
    show_table(rows, ["permission", "scope", "about"], empty="It allows nothing.")


@app.command()
@local("reads files alone")
def validate(
    directory: Annotated[
        Path | None, typer.Argument(help="Role files of your own; GATEHOUSE_ROLES_DIR when not given.")
    ] = None,
) -> None:
    """Check the role files, without a server.

    Says for each mistake the file, the place, and what to write. The exit status is 1 when there is any.
    """
    from cli.failure import FailureError  # noqa: PLC0415
    from config.places import CONFIG  # noqa: PLC0415
    from config.settings import load_roles_dir  # noqa: PLC0415
    from domain.access.roles.errors import RoleFilesError  # noqa: PLC0415
    from domain.access.roles.files import RoleFiles  # noqa: PLC0415

    more = directory or load_roles_dir()
    try:
        roles = _roles(more)
    except RoleFilesError as error:
        raise FailureError(str(error)) from None
    own = len(RoleFiles(CONFIG, more).paths()) - len(RoleFiles(CONFIG).paths())
    there = f" {own} of the files {'is' if own == 1 else 'are'} in {more}." if more else ""
    typer.echo(f"{len(roles.roles)} roles and {len(roles.permissions)} permissions, all in order.{there}")


@app.command()
@local("reads files alone")
def export(
    *, markdown: Annotated[bool, typer.Option("--markdown", help="Print the table of docs/roles.md.")] = False
) -> None:
    """Print all roles as they are in force: as JSON, or as a table of who may do what."""
    from cli.output import show_json  # noqa: PLC0415
    from domain.access.roles.matrix import markdown_table  # noqa: PLC0415

    roles = _roles()
    if markdown:
        typer.echo(markdown_table(roles))
    else:
        show_json([_document(role) for role in roles.roles.values()])


def _roles(more: Path | None = None) -> Roles:
    from config.places import CONFIG  # noqa: PLC0415
    from config.settings import load_roles_dir  # noqa: PLC0415
    from domain.access.roles.book import read_roles  # noqa: PLC0415

    return read_roles(CONFIG, more or load_roles_dir())


def _of_organization(roles: Roles, role: Role, named: str) -> Role:
    from cli.organizations import id_named  # noqa: PLC0415
    from cli.scopes import platform_scope  # noqa: PLC0415
    from domain.access.roles.narrow import override  # noqa: PLC0415
    from domain.access.roles.overrides import stored_overrides  # noqa: PLC0415

    with platform_scope() as session:
        org_id = id_named(session, named)
        stored = stored_overrides(session, [org_id]).get(org_id, {})
    if role.name not in stored:
        return role
    overridden = override(role, roles.permissions, stored[role.name])
    for mistake in overridden.mistakes:
        typer.echo(f"The organization's change is wrong: {mistake}.", err=True)
    return overridden.role


def _document(role: Role) -> dict[str, Any]:
    return {
        "role": role.name,
        "version": role.version,
        "display_name": role.display_name,
        "about": role.about,
        "abstract": role.abstract,
        "inherits": role.inherits,
        "icon": role.icon,
        "theme": role.theme.model_dump(),
        "permissions": dict(role.scopes),
        "navigation": [item.model_dump(exclude={"hidden"}) for item in role.navigation],
        "widgets": [widget.model_dump(exclude={"hidden"}) for widget in role.widgets],
        "features": role.features,
        "caching": role.caching,
    }
