"""What the dashboard draws is what somebody's roles allow together."""

from __future__ import annotations

from dataclasses import replace
from typing import Final
from uuid import UUID

import pytest

from config.places import CONFIG
from domain.access.authorize import Scope
from domain.access.principal import Grant, Principal
from domain.access.roles.book import read_roles
from domain.access.roles.hub import Hub, hub_of
from domain.kernel.ids import PLATFORM_ORG_ID
from tests.support.role_files import LETTERS, OVERVIEW, WIDGET, RoleDirectory

ORG, OTHER_ORG, CLIENT, ME, REPORT = (UUID(int=number) for number in range(1, 6))
OURS: Final = read_roles(CONFIG)


def _hub(*grants: Grant, org_id: UUID | None = ORG, reports: frozenset[UUID] = frozenset()) -> Hub:
    return hub_of(OURS, Principal("user", "Ada", grants, ME, reports=reports), org_id)


def _pages(hub: Hub) -> list[str]:
    return [item.id for item in hub.navigation]


def test_a_page_is_offered_to_whoever_has_its_permission() -> None:
    viewer = _hub(Grant("workspace_viewer", ORG, CLIENT))
    assert _pages(viewer) == ["overview", "journeys", "deliveries", "gate", "clients"]
    assert [widget.id for widget in viewer.widgets] == ["notices", "conversations", "leads", "deliveries"]
    assert "dead-letters" in _pages(_hub(Grant("super_admin", PLATFORM_ORG_ID)))
    assert _pages(_hub(Grant("customer", ORG))) == ["overview"]


def test_somebody_without_a_role_there_sees_nothing() -> None:
    for hub in (
        _hub(),
        _hub(Grant("implementation_lead", OTHER_ORG)),
        _hub(Grant("implementation_lead", ORG), org_id=None),
    ):
        assert (hub.navigation, hub.widgets, hub.theme, hub.icon, hub.roles) == ((), (), None, None, ())
        assert [one.permission for one in hub.allowed] == ["account.view"]


def test_a_role_of_the_platform_counts_everywhere() -> None:
    hubs = [_hub(Grant("super_admin", PLATFORM_ORG_ID), org_id=org_id) for org_id in (None, ORG)]
    assert hubs[0] == hubs[1]
    assert {one.scope for one in hubs[0].allowed} == {Scope.PLATFORM, Scope.OWN}


def test_several_roles_add_up_and_the_one_that_allows_most_sets_the_theme(directory: RoleDirectory) -> None:
    shown = {**WIDGET, "title": "My letters"}
    directory.write(
        "clerk",
        permissions={"letters.view": "own"},
        navigation=[{**OVERVIEW, "label": "Desk"}],
        widgets=[shown],
        features={"export_csv": True},
        caching={"letters": 3, "unused": 1},
        icon="desk",
    )
    directory.write(
        "boss",
        permissions={"letters.view": "organization", "letters.write": "organization"},
        navigation=[LETTERS],
        features={"export_csv": False},
        icon="crown",
    )
    who = Principal("user", "Ada", (Grant("clerk", ORG), Grant("boss", ORG)), ME)
    hub = hub_of(read_roles(directory.path), who, ORG)
    assert [role.name for role in hub.roles] == ["boss", "clerk"]
    assert (hub.icon, [item.label for item in hub.navigation]) == ("crown", ["Overview", "Letters"])
    assert [widget.title for widget in hub.widgets] == ["My letters"]
    assert (hub.features, hub.caching) == ({"search": True, "export_csv": True}, {"letters": 3})


def test_who_may_only_look_is_offered_no_page_for_changing(directory: RoleDirectory) -> None:
    directory.write(
        "clerk",
        permissions={"letters.view": "client", "letters.write": "client"},
        navigation=[LETTERS, {**LETTERS, "id": "write", "permission": "letters.write"}],
    )
    who = Principal("user", "Ada", (Grant("clerk", ORG),), ME)
    book = read_roles(directory.path)
    assert _pages(hub_of(book, who, ORG)) == ["overview", "letters", "write"]
    assert _pages(hub_of(book, replace(who, read_only=True), ORG)) == ["overview", "letters"]


@pytest.mark.parametrize(
    ("grants", "permission", "scope", "clients"),
    [
        ([Grant("super_admin", PLATFORM_ORG_ID)], "clients.view", Scope.PLATFORM, None),
        ([Grant("implementation_lead", ORG)], "clients.view", Scope.ORGANIZATION, None),
        ([Grant("implementation_lead", ORG, CLIENT)], "clients.view", Scope.CLIENT, {CLIENT}),
        ([Grant("workspace_viewer", ORG, CLIENT)], "clients.view", Scope.CLIENT, {CLIENT}),
        ([Grant("manager", ORG)], "reports.view", Scope.SUBORDINATES, None),
        ([Grant("crew", ORG)], "reports.view", Scope.OWN, None),
        ([Grant("crew", ORG), Grant("center", ORG)], "reports.view", Scope.ORGANIZATION, None),
    ],
)
def test_how_far_a_permission_goes_is_said_in_one_word(
    grants: list[Grant], permission: str, scope: Scope, clients: set[UUID] | None
) -> None:
    hub = _hub(*grants, reports=frozenset({REPORT}))
    (found,) = [one for one in hub.allowed if one.permission == permission]
    assert (found.scope, found.clients) == (scope, clients)
