"""Lay each role's document over those that it inherits, and see that the whole makes sense. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar

from domain.access.roles.documents import NavigationItem, RoleDocument, Widget
from domain.access.roles.errors import RoleFilesError
from domain.access.roles.role import Role
from domain.access.roles.words import meant, quoted

if TYPE_CHECKING:
    from domain.access.authorize import Permission, Scope
    from domain.access.roles.documents import Theme

Entry = TypeVar("Entry", NavigationItem, Widget)


def inherit(documents: Mapping[str, RoleDocument], permissions: Mapping[str, Permission]) -> dict[str, Role]:
    """Return all roles, also those that nobody can be given. Raises RoleFilesError with all mistakes."""
    roles: dict[str, Role] = {}
    mistakes: list[str] = []
    for name, document in documents.items():
        try:
            line = _line(name, documents)
            problems = _problems(line, permissions)
            if not problems:
                roles[name] = _role(line)
        except _BrokenLineError as error:
            problems = [str(error)]
        mistakes += [f"{name}.v{document.version}.json: {problem}" for problem in problems]
    if mistakes:
        raise RoleFilesError(mistakes)
    return roles


class _BrokenLineError(Exception):
    """A role has no line of ancestors that ends."""


def _line(name: str, documents: Mapping[str, RoleDocument]) -> list[RoleDocument]:
    """Return a role's document and those of its ancestors, the farthest first."""
    line: list[RoleDocument] = []
    names: list[str] = []
    following: str | None = name
    while following is not None:
        if following in names:
            raise _BrokenLineError(f"inherits: this goes round in a circle: {' → '.join([*names, following])}")
        document = documents.get(following)
        if document is None:
            known = meant(following, documents)
            raise _BrokenLineError(
                f"inherits: there is no role {quoted(following)}{known or '; write one that exists'}"
            )
        names.append(following)
        line.insert(0, document)
        following = document.inherits
    return line


def _role(line: Sequence[RoleDocument]) -> Role:
    own = line[-1]
    theme, icon = _theme(line), _icon(line)
    assert theme is not None  # noqa: S101 - as below: `_problems` found it
    assert icon is not None  # noqa: S101
    return Role(
        name=own.role,
        version=own.version,
        display_name=own.display_name,
        about=own.about,
        abstract=own.abstract,
        inherits=tuple(document.role for document in reversed(line[:-1])),
        icon=icon,
        theme=theme,
        scopes=_scopes(line),
        navigation=_entries(document.navigation for document in line),
        widgets=_entries(document.widgets for document in line),
        features={name: on for document in line for name, on in document.features.items()},
        caching=_caching(line),
    )


def _problems(line: Sequence[RoleDocument], permissions: Mapping[str, Permission]) -> list[str]:
    own = line[-1]
    found = []
    if _theme(line) is None:
        found.append('theme: is missing; write one, or "inherits": "base"')
    if _icon(line) is None:
        found.append('icon: is missing; write one, or "inherits": "base"')
    inherited = _scopes(line[:-1])
    for name, scope in own.permissions.items():
        place = f"permissions.{name}"
        if name not in permissions:
            found.append(_no_permission(place, name, permissions))
        elif scope is None and name not in inherited:
            found.append(f"{place}: null takes away what a parent allows, and none allows this; leave it out")
        elif scope is not None and scope not in permissions[name].scopes:
            goes = ", ".join(f'"{one}"' for one in sorted(permissions[name].scopes))
            found.append(f'{place}: it does not go as far as "{scope}"; write one of {goes}')
    known = _caching(line)
    for widget in own.widgets:
        if widget.source not in known:
            words = meant(widget.source, known) or "; write for how many seconds it may be shown again, 0 for none"
            found.append(f"widgets.{widget.id}.source: caching has no source {quoted(widget.source)}{words}")
    offered = [(f"navigation.{item.id}", item.permission) for item in own.navigation]
    offered += [(f"widgets.{widget.id}", widget.permission) for widget in own.widgets]
    found += [
        _no_permission(f"{place}.permission", name, permissions) for place, name in offered if name not in permissions
    ]
    return found


def _no_permission(place: str, name: str, permissions: Mapping[str, Permission]) -> str:
    words = meant(name, permissions) or "; permissions.v1.json lists all there are"
    return f"{place}: there is no permission {quoted(name)}{words}"


def _theme(line: Sequence[RoleDocument]) -> Theme | None:
    return next((document.theme for document in reversed(line) if document.theme is not None), None)


def _icon(line: Sequence[RoleDocument]) -> str | None:
    return next((document.icon for document in reversed(line) if document.icon is not None), None)


def _scopes(line: Iterable[RoleDocument]) -> dict[str, Scope]:
    said = {name: scope for document in line for name, scope in document.permissions.items()}
    return {name: scope for name, scope in said.items() if scope is not None}


def _caching(line: Iterable[RoleDocument]) -> dict[str, int]:
    return {source: seconds for document in line for source, seconds in document.caching.items()}


def _entries(of_each: Iterable[tuple[Entry, ...]]) -> tuple[Entry, ...]:
    """Return all entries: a later one takes the place of an earlier one with its id; what is hidden is left out."""
    by_id = {entry.id: entry for entries in of_each for entry in entries}
    return tuple(entry for entry in by_id.values() if not entry.hidden)
