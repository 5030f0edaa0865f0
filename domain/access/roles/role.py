"""A role as it is in force: with all that it inherits, and what a tenant made of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from domain.access.authorize import Scope
    from domain.access.roles.documents import NavigationItem, Theme, Widget


@dataclass(frozen=True, slots=True)
class Role:
    """What a role allows and how its pages look. `inherits`: its ancestors, the nearest first."""

    name: str
    version: int
    display_name: str
    about: str
    abstract: bool
    inherits: tuple[str, ...]
    icon: str
    theme: Theme
    scopes: Mapping[str, Scope]
    navigation: tuple[NavigationItem, ...]
    widgets: tuple[Widget, ...]
    features: Mapping[str, bool]
    caching: Mapping[str, int]
    """For how many seconds what a data source gave may be shown again."""
