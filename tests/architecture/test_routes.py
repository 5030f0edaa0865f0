"""Every route says who may ask it, in words that the table of permissions knows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from api.access.declared import DeclaredRoute, declared_routes
from api.app import create_app
from config.places import CONFIG
from domain.access.roles.book import read_roles
from tests.support.app_settings import app_settings

if TYPE_CHECKING:
    from pathlib import Path

# Files that are everybody's, and the description of the routes themselves.
WITHOUT_DECLARATION: Final = {"/assets", "/api/openapi.json"}
# They change nothing, but take a body.
POSTS_THAT_LOOK: Final = {"/api/v1/dead-letters/dry-run"}
READING: Final = frozenset({"GET", "HEAD", "OPTIONS"})


@pytest.fixture
def routes(tmp_path: Path) -> list[DeclaredRoute]:
    return list(declared_routes(create_app(app_settings(tmp_path))))


def test_every_route_declares_a_permission_or_why_it_takes_none(routes: list[DeclaredRoute]) -> None:
    assert len(routes) > 60
    undeclared = {route.path for route in routes if not route.permissions and not route.public_because}
    assert undeclared == WITHOUT_DECLARATION


def test_no_route_is_both_public_and_not(routes: list[DeclaredRoute]) -> None:
    assert [route.path for route in routes if route.permissions and route.public_because] == []
    assert [route.path for route in routes if not all(why.strip() for why in route.public_because)] == []


def test_every_permission_that_a_route_takes_is_in_the_table(routes: list[DeclaredRoute]) -> None:
    known = read_roles(CONFIG).permissions
    assert {(route.path, name) for route in routes for name in route.permissions if name not in known} == set()


def test_whoever_may_only_look_can_ask_no_route_that_changes(routes: list[DeclaredRoute]) -> None:
    permissions = read_roles(CONFIG).permissions
    changing = [route for route in routes if route.permissions and not route.methods <= READING]
    assert changing
    assert {
        route.path for route in changing if not any(permissions[name].changes for name in route.permissions)
    } == POSTS_THAT_LOOK
