"""Who may do what, as a table for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from domain.access.roles.book import Roles

_NONE: Final = "·"


def markdown_table(roles: Roles) -> str:
    """Return a Markdown table: a line for each permission, a column for each role, in a cell how far it goes."""
    columns = sorted(roles.roles.values(), key=lambda role: (-len(role.scopes), role.name))
    lines = [
        _line("permission", "", *(role.display_name for role in columns)),
        _line("---", "---", *("---" for _ in columns)),
    ]
    for name, permission in roles.permissions.items():
        marks = "changes, not on a demo" if permission.destructive else "changes" if permission.changes else ""
        cells = (role.scopes.get(name, "own" if permission.personal else _NONE) for role in columns)
        lines.append(_line(f"`{name}`", marks, *cells))
    return "\n".join(lines)


def _line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"
