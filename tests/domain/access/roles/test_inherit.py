"""A role has what it inherits, and what it says itself goes before that."""

from __future__ import annotations

import pytest

from domain.access.authorize import Scope
from domain.access.roles.book import read_roles
from domain.access.roles.errors import RoleFilesError
from tests.support.role_files import LETTERS, OVERVIEW, THEME, WIDGET, RoleDirectory


def test_what_a_role_leaves_out_it_has_from_its_parents(directory: RoleDirectory) -> None:
    directory.write(
        "clerk",
        permissions={"letters.view": "own", "letters.write": "client"},
        navigation=[LETTERS],
        widgets=[WIDGET],
        features={"export_csv": True},
        caching={"figures": 0},
    )
    directory.write("boss", inherits="clerk", permissions={"letters.view": "organization"}, icon="crown")
    boss = read_roles(directory.path).roles["boss"]
    assert boss.inherits == ("clerk", "base")
    assert boss.scopes == {
        "overview.view": Scope.OWN,
        "letters.view": Scope.ORGANIZATION,
        "letters.write": Scope.CLIENT,
    }
    assert [item.id for item in boss.navigation] == ["overview", "letters"]
    assert [widget.id for widget in boss.widgets] == ["letters"]
    assert (boss.features, boss.caching) == ({"search": True, "export_csv": True}, {"letters": 10, "figures": 0})
    assert (boss.icon, boss.theme.model_dump()) == ("crown", THEME)


def test_what_is_not_about_being_inherited_is_the_roles_own(directory: RoleDirectory) -> None:
    directory.write("clerk")
    clerk = read_roles(directory.path).roles["clerk"]
    assert (clerk.abstract, clerk.display_name, clerk.version) == (False, "Clerk", 1)


def test_a_role_takes_away_what_its_parent_allows_and_shows(directory: RoleDirectory) -> None:
    directory.write("clerk", permissions={"letters.view": "own"}, navigation=[LETTERS], widgets=[WIDGET])
    directory.write(
        "guest",
        inherits="clerk",
        permissions={"letters.view": None},
        navigation=[{**LETTERS, "hidden": True}],
        widgets=[{**WIDGET, "hidden": True}],
    )
    guest = read_roles(directory.path).roles["guest"]
    assert guest.scopes == {"overview.view": Scope.OWN}
    assert ([item.id for item in guest.navigation], guest.widgets) == (["overview"], ())


def test_an_entry_takes_the_place_of_its_parents(directory: RoleDirectory) -> None:
    directory.write("clerk", navigation=[{**OVERVIEW, "label": "Home"}, LETTERS])
    assert [item.label for item in read_roles(directory.path).roles["clerk"].navigation] == ["Home", "Letters"]


def test_roles_that_inherit_from_each_other_are_refused(directory: RoleDirectory) -> None:
    directory.write("clerk", inherits="boss")
    directory.write("boss", inherits="clerk")
    directory.write("me", inherits="me")
    with pytest.raises(RoleFilesError) as refused:
        read_roles(directory.path)
    assert refused.value.mistakes == (
        "boss.v1.json: inherits: this goes round in a circle: boss → clerk → boss",
        "clerk.v1.json: inherits: this goes round in a circle: clerk → boss → clerk",
        "me.v1.json: inherits: this goes round in a circle: me → me",
    )


def test_an_abstract_role_can_be_given_to_nobody(directory: RoleDirectory) -> None:
    roles = read_roles(directory.path)
    assert list(roles.abstract) == ["base"]
    assert not roles.roles
