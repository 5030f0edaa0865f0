"""What the dashboard draws for somebody in an organization: all their roles together, each part by its permission."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar
from uuid import UUID

from domain.access.authorize import Reach, Scope, reach
from domain.access.roles.documents import NavigationItem, Theme, Widget
from domain.kernel.ids import PLATFORM_ORG_ID

if TYPE_CHECKING:
    from domain.access.principal import Principal
    from domain.access.roles.book import Hubs
    from domain.access.roles.role import Role

Entry = TypeVar("Entry", NavigationItem, Widget)


@dataclass(frozen=True, slots=True)
class Allowed:
    """A permission that somebody has: how far it goes in words, and for which clients (None: all)."""

    permission: str
    scope: Scope
    clients: frozenset[UUID] | None


@dataclass(frozen=True, slots=True)
class Hub:
    """Somebody's pages in an organization. `icon` and `theme` are those of the role that allows most."""

    roles: tuple[Role, ...]
    allowed: tuple[Allowed, ...]
    icon: str | None
    theme: Theme | None
    navigation: tuple[NavigationItem, ...]
    widgets: tuple[Widget, ...]
    features: Mapping[str, bool]
    caching: Mapping[str, int]
    """For how many seconds what a data source gave may be shown again; only sources of the widgets."""


def hub_of(book: Hubs, principal: Principal, org_id: UUID | None) -> Hub:
    """Return what the pages of an organization, or with None those beyond any one, show to somebody."""
    roles = _roles(book, principal, org_id)
    allowed = tuple(
        Allowed(name, _scope(within, principal), None if within.everywhere else within.clients)
        for name in book.permissions
        if (within := reach(book, principal, name, org_id)) is not None
    )
    names: Final = {one.permission for one in allowed}
    widgets = _offered((role.widgets for role in roles), names)
    sources = {widget.source for widget in widgets}
    caching = [(source, seconds) for role in roles for source, seconds in role.caching.items() if source in sources]
    features = [(name, on) for role in roles for name, on in role.features.items()]
    return Hub(
        roles=roles,
        allowed=allowed,
        icon=roles[0].icon if roles else None,
        theme=roles[0].theme if roles else None,
        navigation=_offered((role.navigation for role in roles), names),
        widgets=widgets,
        features={name: any(on for other, on in features if other == name) for name, _ in features},
        caching={source: min(seconds for other, seconds in caching if other == source) for source, _ in caching},
    )


def _roles(book: Hubs, principal: Principal, org_id: UUID | None) -> tuple[Role, ...]:
    """Return somebody's roles that count there, the one that allows most first."""
    there = {PLATFORM_ORG_ID, org_id}
    found = {
        (role.name, grant.org_id): role
        for grant in principal.grants
        if grant.org_id in there and (role := book.effective(grant.role, grant.org_id)) is not None
    }
    return tuple(sorted(found.values(), key=lambda role: (-len(role.scopes), role.name)))


def _offered(of_each: Iterable[tuple[Entry, ...]], names: set[str]) -> tuple[Entry, ...]:
    """Return the entries whose permission they have; of two with the same id, that of the role which allows more."""
    by_id: dict[str, Entry] = {}
    for entries in of_each:
        for entry in entries:
            if entry.permission in names:
                by_id.setdefault(entry.id, entry)
    return tuple(by_id.values())


def _scope(within: Reach, principal: Principal) -> Scope:
    """Return how far a reach goes, in one word: that of its widest part."""
    if within.everywhere:
        return Scope.PLATFORM
    unowned = [box for box in within.boxes if box.owners is None]
    if unowned:
        return Scope.ORGANIZATION if any(box.clients is None for box in unowned) else Scope.CLIENT
    others = any((box.owners or frozenset()) - {principal.id} for box in within.boxes)
    return Scope.SUBORDINATES if others else Scope.OWN
