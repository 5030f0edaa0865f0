"""What the routes of an application declare: for its OpenAPI document, and for the tests that walk all of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fastapi.routing import iter_route_contexts

from api.access.requires import Public, Requires
from api.access.signed_in import SignedIn

if TYPE_CHECKING:
    from fastapi import FastAPI
    from fastapi.dependencies.models import Dependant


@dataclass(frozen=True, slots=True)
class DeclaredRoute:
    """A route, as its path is written, and what it declares. A mounted application has no methods."""

    path: str
    methods: frozenset[str]
    permissions: tuple[str, ...]
    public_because: tuple[str, ...]


def declared_routes(app: FastAPI) -> Iterator[DeclaredRoute]:
    """Return all routes of an application in their order."""
    for context in iter_route_contexts(app.routes):
        dependant: Dependant | None = getattr(context, "dependant", None)
        found = [] if dependant is None else list(_declarations(dependant))
        yield DeclaredRoute(
            path=context.path or "",
            methods=frozenset(context.methods or ()),
            permissions=tuple(one.permission for one in found if isinstance(one, Requires)),
            public_because=tuple(one.why for one in found if isinstance(one, Public | SignedIn)),
        )


def _declarations(dependant: Dependant) -> Iterator[Requires | Public | SignedIn]:
    for one in dependant.dependencies:
        if isinstance(one.call, Requires | Public | SignedIn):
            yield one.call
        yield from _declarations(one)
