"""What stands in a role's file, in the list of permissions, and in what a tenant changes of a role."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from domain.access.authorize import Scope

SCHEMA: Final = 2
"""The schema of a role's file that this release writes; older ones are migrated when they are read."""
OVERRIDE_SCHEMA: Final = 1
NAME: Final = r"^[a-z][a-z_]{1,62}$"
_READABLE: Final = 4.5
"""The least contrast between a text and what it stands on (WCAG 2.2, 1.4.3)."""
_PRINTED: Final = r"^[^\x00-\x1f\x7f]*$"

RoleName = Annotated[str, Field(pattern=NAME)]
PermissionName = Annotated[str, Field(pattern=r"^[a-z][a-z_]*\.[a-z][a-z_]*$", max_length=64)]
Id = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,39}$")]
Source = Annotated[str, Field(pattern=r"^[a-z][a-z_]*(\.[a-z][a-z_]*)?$", max_length=64)]
Feature = Annotated[str, Field(pattern=NAME)]
Path = Annotated[str, Field(pattern=r"^/dashboard(/[a-z0-9-]+)*$", max_length=100)]
Colour = Annotated[str, Field(pattern=r"^#[0-9a-f]{6}$")]
Label = Annotated[str, Field(min_length=1, max_length=40, pattern=_PRINTED)]
Sentence = Annotated[str, Field(min_length=1, max_length=200, pattern=_PRINTED)]
# Strict, except that JSON has no enumerations.
GivenScope = Annotated[Scope, Field(strict=False)]


class Document(BaseModel):
    """A part of a file: nothing is converted, and nothing that is not known is let through."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, hide_input_in_errors=True)


class Palette(Document):
    """The accent of the pages, and what is written on it; they have to differ enough to be read."""

    accent: Colour
    on_accent: Colour

    @model_validator(mode="after")
    def _is_readable(self) -> Self:
        contrast = _contrast(self.accent, self.on_accent)
        if contrast < _READABLE:
            raise ValueError(f"accent and on_accent have a contrast of {contrast:.1f}; choose colours with {_READABLE}")
        return self


class Theme(Document):
    """The named colours of a role's pages, by day and by night."""

    name: Label
    light: Palette
    dark: Palette


class NavigationItem(Document):
    """A page that is offered to whoever has its permission. `hidden` takes away what the parent offers."""

    id: Id
    label: Label
    path: Path
    icon: Id
    permission: PermissionName
    hidden: bool = False


class Widget(Document):
    """A part of the overview. `source` names what it shows; it is asked for again after `refresh_seconds`."""

    id: Id
    title: Label
    type: Literal["figure", "line", "bar", "table", "list", "status"]
    source: Source
    refresh_seconds: Annotated[int, Field(ge=5, le=3600)]
    permission: PermissionName
    hidden: bool = False


def _each_once(entries: tuple[Any, ...]) -> tuple[Any, ...]:
    ids = [entry.id for entry in entries]
    twice = sorted({one for one in ids if ids.count(one) > 1})
    if twice:
        raise ValueError(f"{', '.join(twice)} stands there twice; leave one")
    return entries


class RoleDocument(Document):
    """A role's file. What it leaves out, it has from the role that it inherits."""

    schema_: Literal[2] = Field(alias="schema")
    role: RoleName
    version: Annotated[int, Field(ge=1, le=9999)]
    display_name: Label
    about: Sentence
    abstract: bool = False
    """Nobody can be given it; it is there to be inherited."""
    inherits: RoleName | None = None
    icon: Id | None = None
    theme: Theme | None = None
    permissions: dict[PermissionName, GivenScope | None] = {}
    """None takes away what the parent allows."""
    navigation: Annotated[tuple[NavigationItem, ...], Field(max_length=40), AfterValidator(_each_once)] = ()
    widgets: Annotated[tuple[Widget, ...], Field(max_length=40), AfterValidator(_each_once)] = ()
    features: dict[Feature, bool] = {}
    caching: dict[Source, Annotated[int, Field(ge=0, le=86_400)]] = {}
    """For how many seconds what a source gave may be shown again."""


class PermissionDocument(Document):
    """One entry of the list of permissions."""

    about: Sentence
    scopes: Annotated[list[GivenScope], Field(min_length=1)]
    changes: bool = False
    destructive: bool = False
    personal: bool = False


class PermissionsDocument(Document):
    """The list of everything that can be allowed."""

    schema_: Literal[1] = Field(alias="schema")
    permissions: dict[PermissionName, PermissionDocument]


class ShownItem(Document):
    """How a tenant wants a page offered."""

    label: Label | None = None
    icon: Id | None = None
    hidden: bool | None = None


class ShownWidget(Document):
    """How a tenant wants a part of the overview shown."""

    title: Label | None = None
    hidden: bool | None = None


class OverrideDocument(Document):
    """What an organization changes of a role: less is allowed, or the pages look otherwise. It never allows more."""

    schema_: Literal[1] = Field(OVERRIDE_SCHEMA, alias="schema")
    permissions: Annotated[dict[PermissionName, GivenScope | None], Field(max_length=200)] = {}
    """How far each goes from now on; None: not at all. What is not named stays as it is."""
    display_name: Label | None = None
    about: Sentence | None = None
    icon: Id | None = None
    theme: Theme | None = None
    navigation: Annotated[dict[Id, ShownItem], Field(max_length=40)] = {}
    widgets: Annotated[dict[Id, ShownWidget], Field(max_length=40)] = {}
    features: Annotated[dict[Feature, Literal[False]], Field(max_length=100)] = {}
    """Those that are turned off."""


def _contrast(one: str, other: str) -> float:
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    """Return the relative luminance of a colour as WCAG defines it."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]  # noqa: PLR2004
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
