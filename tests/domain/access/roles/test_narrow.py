"""What an organization changes of a role allows less, never more, whatever was stored."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.places import CONFIG
from domain.access.authorize import Scope
from domain.access.roles.book import read_roles
from domain.access.roles.narrow import override

ROLES: Final = read_roles(CONFIG)
LEAD: Final = ROLES.roles["implementation_lead"]
MANAGER: Final = ROLES.roles["manager"]
_ORDER: Final = list(Scope)

_json: Final = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
_said: Final = st.sampled_from([*Scope, "everything", None, 1, [], {}])
_documents: Final = st.fixed_dictionaries(
    {},
    optional={
        "schema": st.sampled_from([1, 2, 0, "1"]),
        "permissions": st.dictionaries(st.sampled_from(sorted(ROLES.permissions)), _said) | _json,
        "features": st.dictionaries(st.sampled_from(["search", "live_tail", "other"]), st.booleans()),
        "display_name": st.text(max_size=50),
        "more": _json,
    },
)


@given(st.sampled_from(sorted(ROLES.roles)), _documents | _json)
def test_no_override_ever_allows_more(name: str, stored: object) -> None:
    role = ROLES.roles[name]
    overridden = override(role, ROLES.permissions, stored).role
    assert all(
        permission in role.scopes and _ORDER.index(scope) >= _ORDER.index(role.scopes[permission])
        for permission, scope in overridden.scopes.items()
    )
    assert not any(on and not role.features.get(feature) for feature, on in overridden.features.items())
    assert {item.id for item in overridden.navigation} <= {item.id for item in role.navigation}
    assert {(item.path, item.permission) for item in overridden.navigation} <= {
        (item.path, item.permission) for item in role.navigation
    }


@given(st.sampled_from(sorted(ROLES.roles)), _documents)
def test_what_is_clearly_taken_away_stays_away(name: str, stored: dict[str, Any]) -> None:
    role = ROLES.roles[name]
    said = stored.get("permissions")
    overridden = override(role, ROLES.permissions, stored).role
    for permission, scope in said.items() if isinstance(said, dict) else ():
        assert scope is not None or permission not in overridden.scopes


def test_an_override_narrows_and_changes_how_the_pages_look() -> None:
    overridden, mistakes = override(
        LEAD,
        ROLES.permissions,
        {
            "schema": 1,
            "permissions": {"users.change": None, "deliveries.view": "client"},
            "display_name": "Onboarding",
            "icon": "flag",
            "navigation": {"gate": {"hidden": True}, "journeys": {"label": "Messages"}},
            "widgets": {"leads": {"hidden": True}, "clients": {"title": "Going live"}},
            "features": {"export_csv": False},
        },
    )
    assert mistakes == ()
    assert overridden.scopes == {
        **{name: scope for name, scope in LEAD.scopes.items() if name != "users.change"},
        "deliveries.view": Scope.CLIENT,
    }
    assert (overridden.display_name, overridden.icon, overridden.features["export_csv"]) == (
        "Onboarding",
        "flag",
        False,
    )
    labels = {item.id: item.label for item in overridden.navigation}
    assert ("gate" not in labels, labels["journeys"]) == (True, "Messages")
    titles = {widget.id: widget.title for widget in overridden.widgets}
    assert ("leads" not in titles, titles["clients"]) == (True, "Going live")


@pytest.mark.parametrize(
    ("stored", "words"),
    [
        ({"permissions": {"queues.view": "platform"}}, 'permissions.queues.view: the role does not have "queues.view"'),
        (
            {"permissions": {"users.view": "platform"}},
            'permissions.users.view: "platform" is wider than "organization", which the role has',
        ),
        (
            {"permissions": {"users.view": "own"}},
            'permissions.users.view: it does not go as far as "own"; write one of',
        ),
        ({"permissions": {"users.veiw": None}}, 'permissions.users.veiw: the role does not have "users.veiw"; did you'),
        ({"navigation": {"jorneys": {"hidden": True}}}, 'navigation.jorneys: the role has no "jorneys"; did you mean'),
        ({"widgets": {"money": {"hidden": True}}}, 'widgets.money: the role has no "money"; leave it out'),
        ({"features": {"search": True}}, "features.search: write "),
        ({"features": {"flying": False}}, 'features.flying: the role has no "flying"; leave it out'),
        ({"navigation": {"gate": {"path": "/x"}}}, "navigation.gate.path: this is not known here; remove it"),
        ({"inherits": "super_admin"}, "inherits: this is not known here; remove it"),
        ({"schema": 2}, "schema: 2 is newer than this release knows"),
        ([], "the file: write an object"),
    ],
)
def test_a_wrong_override_is_told_and_the_pages_look_as_the_file_says(stored: object, words: str) -> None:
    said = {**stored, "display_name": "Other"} if isinstance(stored, dict) else stored
    overridden, mistakes = override(LEAD, ROLES.permissions, said)
    assert any(mistake.startswith(words) for mistake in mistakes), mistakes
    assert replace(overridden, scopes=LEAD.scopes) == LEAD


def test_what_a_slip_stands_beside_is_still_taken_away() -> None:
    stored = {"permissions": {"users.change": None, "deliveries.view": "client", "gone.view": None}, "colour": "red"}
    overridden, mistakes = override(LEAD, ROLES.permissions, stored)
    assert len(mistakes) == 1
    assert "users.change" not in overridden.scopes
    assert overridden.scopes["deliveries.view"] is Scope.CLIENT


def test_subordinates_are_narrowed_to_ones_own() -> None:
    overridden, mistakes = override(MANAGER, ROLES.permissions, {"permissions": {"reports.view": "own"}})
    assert (mistakes, overridden.scopes["reports.view"]) == ((), Scope.OWN)
