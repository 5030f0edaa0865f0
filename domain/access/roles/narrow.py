"""What an organization may change of a role: allow less, and look otherwise. Pure.

Whatever an override says, no permission goes farther than the file lets it: the narrower of the two is in force.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic import ValidationError

from domain.access.authorize import Scope, is_wider
from domain.access.roles.documents import OVERRIDE_SCHEMA, OverrideDocument
from domain.access.roles.words import in_words, meant, quoted

if TYPE_CHECKING:
    from collections.abc import Collection

    from domain.access.authorize import Permission
    from domain.access.roles.role import Role


class Overridden(NamedTuple):
    """A role as an organization has it, and what is wrong with what it changed: of that, only the narrowing holds."""

    role: Role
    mistakes: tuple[str, ...] = ()


def override(role: Role, permissions: Mapping[str, Permission], stored: object) -> Overridden:
    """Return a role with a stored override.

    One that is wrong changes nothing of how the pages look. Where it says clearly that less is allowed, it is obeyed
    all the same: what a tenant took away does not come back because of a slip elsewhere.
    """
    try:
        document = OverrideDocument.model_validate(stored)
    except ValidationError as error:
        mistakes = _too_new(stored) or in_words(error)
    else:
        mistakes = check(role, permissions, document)
        if not mistakes:
            return Overridden(_applied(role, document))
    said = stored.get("permissions") if isinstance(stored, Mapping) else None
    narrowed = _narrowed(role, said if isinstance(said, Mapping) else {})
    return Overridden(replace(role, scopes=narrowed), tuple(mistakes))


def check(role: Role, permissions: Mapping[str, Permission], document: OverrideDocument) -> list[str]:
    """Return what an override may not do, in words: the place, and what to write."""
    found = []
    for name, scope in document.permissions.items():
        place, has = f"permissions.{name}", role.scopes.get(name)
        if has is None:
            typo = "" if name in permissions else meant(name, role.scopes)
            words = typo or "; an override can't add one"
            found.append(f"{place}: the role does not have {quoted(name)}{words}")
        elif scope is not None and is_wider(scope, has):
            found.append(f'{place}: "{scope}" is wider than "{has}", which the role has; an override can only narrow')
        elif scope is not None and scope not in permissions[name].scopes:
            goes = ", ".join(f'"{one}"' for one in sorted(permissions[name].scopes))
            found.append(f'{place}: it does not go as far as "{scope}"; write one of {goes}, or null')
    found += _dangling("navigation", document.navigation, {item.id for item in role.navigation})
    found += _dangling("widgets", document.widgets, {widget.id for widget in role.widgets})
    found += _dangling("features", document.features, role.features)
    return found


def _too_new(stored: object) -> list[str]:
    schema = stored.get("schema") if isinstance(stored, Mapping) else None
    if type(schema) is int and schema > OVERRIDE_SCHEMA:
        return [f"schema: {schema} is newer than this release knows; update Gatehouse, or write it anew"]
    return []


def _dangling(what: str, named: Collection[str], known: Collection[str]) -> list[str]:
    return [
        f"{what}.{name}: the role has no {quoted(name)}{meant(name, known) or '; leave it out'}"
        for name in named
        if name not in known
    ]


def _applied(role: Role, document: OverrideDocument) -> Role:
    navigation = (
        item.model_copy(update=document.navigation[item.id].model_dump(exclude_none=True))
        if item.id in document.navigation
        else item
        for item in role.navigation
    )
    widgets = (
        widget.model_copy(update=document.widgets[widget.id].model_dump(exclude_none=True))
        if widget.id in document.widgets
        else widget
        for widget in role.widgets
    )
    return replace(
        role,
        display_name=document.display_name or role.display_name,
        about=document.about or role.about,
        icon=document.icon or role.icon,
        theme=document.theme or role.theme,
        scopes=_narrowed(role, document.permissions),
        navigation=tuple(item for item in navigation if not item.hidden),
        widgets=tuple(widget for widget in widgets if not widget.hidden),
        features={**role.features, **document.features},
    )


def _narrowed(role: Role, said: Mapping[str, Any]) -> dict[str, Scope]:
    """Return the role's scopes, each the narrower of both. What is said of a permission but can't be read is none."""
    scopes = {}
    for name, scope in role.scopes.items():
        if name not in said:
            scopes[name] = scope
        elif isinstance(said[name], str) and said[name] in set(Scope):
            less = Scope(said[name])
            scopes[name] = scope if is_wider(less, scope) else less
    return scopes
