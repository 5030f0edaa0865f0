"""A role's file that is wrong is refused, with the file, the place, and what to write."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from config.places import CONFIG
from domain.access.authorize import Scope
from domain.access.roles.book import read_roles
from domain.access.roles.errors import RoleFilesError
from tests.support.role_files import LETTERS, THEME, WIDGET, RoleDirectory


def _mistakes(directory: RoleDirectory, more: Path | None = None) -> tuple[str, ...]:
    with pytest.raises(RoleFilesError) as refused:
        read_roles(directory.path, more)
    return refused.value.mistakes


def _without(document: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name not in names}


def test_the_roles_that_come_with_gatehouse_are_right() -> None:
    roles = read_roles(CONFIG)
    assert "base" in roles.abstract
    assert "base" not in roles.roles
    assert all("base" in role.inherits for role in roles.roles.values())


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"colour": "red"}, "colour: this is not known here; remove it, or correct its name"),
        ({"display_name": ""}, "display_name: write 1 to 40 characters"),
        ({"about": None}, "about: write 1 to 200 characters"),
        ({"abstract": "yes"}, "abstract: write true or false"),
        ({"features": {"search": 1}}, "features.search: write true or false"),
        ({"caching": {"letters": -1}}, "caching.letters: write whole seconds from 0 to 86400"),
        ({"icon": "Mail!"}, 'icon: write the name of an icon, such as "message-circle"'),
        ({"permissions": {"letters.view": "everything"}}, "permissions.letters.view: write one of 'platform',"),
        (
            {"permissions": {"letters.veiw": "own"}},
            'permissions.letters.veiw: there is no permission "letters.veiw"; did',
        ),
        ({"permissions": {"letters.write": "own"}}, 'permissions.letters.write: it does not go as far as "own"; write'),
        ({"permissions": {"letters.view": None}}, "permissions.letters.view: null takes away what a parent allows"),
        ({"permissions": []}, "permissions: write an object"),
        ({"navigation": {}}, "navigation: write a list"),
        ({"navigation": [LETTERS, LETTERS]}, "navigation: letters stands there twice; leave one"),
        ({"navigation": [_without(LETTERS, "label")]}, "navigation.0.label: is missing; write 1 to 40 characters"),
        (
            {"navigation": [{**LETTERS, "path": "https://elsewhere.example"}]},
            'navigation.0.path: write a page of the dashboard, such as "/dashboard/journeys"',
        ),
        (
            {"navigation": [{**LETTERS, "permission": "letters.veiw"}]},
            'navigation.letters.permission: there is no permission "letters.veiw"; did you mean "letters.view"?',
        ),
        ({"widgets": [{**WIDGET, "type": "pie"}]}, "widgets.0.type: write one of 'figure', 'line',"),
        ({"widgets": [{**WIDGET, "refresh_seconds": 1}]}, "widgets.0.refresh_seconds: write whole seconds from 5"),
        (
            {"widgets": [{**WIDGET, "source": "leters"}]},
            'widgets.letters.source: caching has no source "leters"; did you mean "letters"?',
        ),
        (
            {"theme": {**THEME, "light": {"accent": "#ffff00", "on_accent": "#ffffff"}}},
            "theme.light: accent and on_accent have a contrast of 1.1; choose colours with 4.5",
        ),
        (
            {"theme": {**THEME, "light": {"accent": "red; }", "on_accent": "#ffffff"}}},
            "theme.light.accent: write a colour",
        ),
        ({"version": "1"}, "version: write a whole number from 1 on, the one in the file's name"),
        ({"inherits": "bass"}, 'inherits: there is no role "bass"; did you mean "base"?'),
        ({"inherits": None}, 'theme: is missing; write one, or "inherits": "base"'),
        ({"schema": 3}, "schema: 3 is newer than this release knows; update Gatehouse"),
        ({"schema": "2"}, 'schema: write "schema": 2'),
    ],
)
def test_a_mistake_is_told_with_its_place_and_what_to_write(
    directory: RoleDirectory, said: dict[str, Any], words: str
) -> None:
    directory.write("clerk", **said)
    found = _mistakes(directory)
    assert any(mistake.startswith(f"clerk.v1.json: {words}") for mistake in found), found


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "line 1, column 2: this is not JSON"),
        ("[]", "it has to hold one object"),
        ('{"role": "clerk", "role": "boss"}', '"role" stands twice in one object; leave one'),
        ('{"schema": NaN}', "NaN is no JSON number"),
        ("[" * 100_000, "it is nested too deep"),
        (" " * 300_000, "it is larger than 256 KiB"),
    ],
)
def test_a_file_that_is_no_object_of_json_is_told(directory: RoleDirectory, text: str, words: str) -> None:
    directory.write_text("clerk.v1.json", text)
    (found,) = _mistakes(directory)
    assert found.startswith(f"clerk.v1.json: {words}")


def test_a_file_that_is_no_utf_8_is_told(directory: RoleDirectory) -> None:
    (directory.roles / "clerk.v1.json").write_bytes(b'{"role": "\xff"}')
    assert _mistakes(directory) == ("clerk.v1.json: it is not UTF-8; save it as such",)


def test_all_mistakes_of_all_files_are_told_at_once(directory: RoleDirectory) -> None:
    directory.write("clerk", colour="red", icon="!")
    directory.write("boss", about="")
    assert {mistake.split(":")[0] for mistake in _mistakes(directory)} == {"clerk.v1.json", "boss.v1.json"}
    assert len(_mistakes(directory)) == 3


def test_no_mistake_repeats_what_the_file_holds(directory: RoleDirectory) -> None:
    secret = "hunter2 Hunter3"
    said: dict[str, Any] = {secret: 1}
    directory.write("clerk", **said, icon=secret, permissions={secret: "own"}, features={"search": secret})
    directory.write_text("boss.v1.json", f'{{"{secret}": 1, "{secret}": 2}}')
    assert secret not in " ".join(_mistakes(directory))


def test_a_file_has_the_name_and_version_of_its_role(directory: RoleDirectory) -> None:
    directory.write("clerk").rename(directory.roles / "boss.v1.json")
    directory.write("clerk", version=2).rename(directory.roles / "clerk.v3.json")
    directory.write_text("Clerk.json", "{}")
    assert _mistakes(directory) == (
        "Clerk.json: call the file ROLE.vVERSION.json, such as night_shift.v1.json",
        'boss.v1.json: it says role "clerk", version 1; call the file so, or correct it',
        'clerk.v3.json: it says role "clerk", version 2; call the file so, or correct it',
    )


def test_a_role_has_one_file(directory: RoleDirectory) -> None:
    directory.write("clerk")
    directory.write("clerk", version=2)
    assert _mistakes(directory) == ("clerk.v2.json: roles has another file of this role; leave the right one",)


def test_what_editors_leave_behind_is_no_role(directory: RoleDirectory) -> None:
    for name in (".clerk.v1.json", "clerk.v1.json~", "README.md"):
        directory.write_text(name, "{")
    assert not read_roles(directory.path).roles


def test_an_installation_adds_roles_and_replaces_ours(directory: RoleDirectory, tmp_path: Path) -> None:
    more = tmp_path / "more"
    directory.write("clerk", permissions={"letters.view": "own"})
    directory.write("boss")
    directory.write("clerk", version=2, place=more, permissions={"letters.view": "organization"})
    directory.write("night_shift", place=more, permissions={"letters.view": "client"})
    roles = read_roles(directory.path, more)
    assert list(roles.roles) == ["boss", "clerk", "night_shift"]
    assert roles.roles["clerk"].version == 2
    assert roles.scopes["clerk"]["letters.view"] is Scope.ORGANIZATION
    assert roles.scopes["night_shift"] == {"letters.view": Scope.CLIENT, "overview.view": Scope.OWN}


def test_a_directory_that_is_not_there_is_told(directory: RoleDirectory, tmp_path: Path) -> None:
    (found,) = _mistakes(directory, tmp_path / "missing")
    assert found.endswith("No such file or directory; name a directory with role files")


def test_wrong_permissions_are_told(directory: RoleDirectory) -> None:
    (directory.path / "permissions.v1.json").write_text(
        json.dumps({"schema": 1, "permissions": {"letters.view": {"about": "Read", "scopes": ["far"], "change": True}}})
    )
    assert {mistake.rpartition(":")[0] for mistake in _mistakes(directory)} == {
        "permissions.v1.json: permissions.letters.view.scopes.0",
        "permissions.v1.json: permissions.letters.view.change",
    }


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=8,
    ),
    st.sampled_from(
        ["schema", "role", "permissions", "navigation", "widgets", "theme", "features", "caching", "inherits", "icon"]
    ),
)
def test_whatever_a_file_says_is_taken_or_refused_in_words(directory: RoleDirectory, value: object, name: str) -> None:
    said: dict[str, Any] = {name: value}
    directory.write("clerk", **said)
    try:
        read_roles(directory.path)
    except RoleFilesError as error:
        assert all(mistake.startswith("clerk.v1.json: ") for mistake in error.mistakes)  # noqa: PT017 - or none
