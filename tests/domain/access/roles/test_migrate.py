"""Role files of an older schema are read as if they were written today."""

from __future__ import annotations

import json
from typing import Any

import pytest

from domain.access.authorize import Scope
from domain.access.roles.book import read_roles
from domain.access.roles.documents import SCHEMA
from domain.access.roles.migrate import STEPS, SchemaError, migrate
from tests.support.role_files import RoleDirectory

# As the first release wrote them.
FIRST: dict[str, Any] = {
    "schema": 1,
    "role": "clerk",
    "display_name": "Clerk",
    "about": "Reads letters",
    "permissions": {"letters.view": "own"},
}


def test_a_file_of_the_first_schema_gets_a_version_and_inherits_the_pages() -> None:
    assert migrate(FIRST) == {**FIRST, "schema": 2, "version": 1, "inherits": "base"}
    assert FIRST["schema"] == 1


def test_a_file_of_the_first_schema_is_a_role_like_any_other(directory: RoleDirectory) -> None:
    directory.write_text("clerk.v1.json", json.dumps(FIRST))
    clerk = read_roles(directory.path).roles["clerk"]
    assert clerk.scopes == {"letters.view": Scope.OWN, "overview.view": Scope.OWN}
    assert [item.id for item in clerk.navigation] == ["overview"]


def test_there_is_a_step_from_every_older_schema() -> None:
    assert sorted(STEPS) == list(range(1, SCHEMA))
    assert all(step({"schema": schema})["schema"] == schema + 1 for schema, step in STEPS.items())


def test_a_present_file_is_left_as_it_is() -> None:
    document = {"schema": SCHEMA, "role": "clerk"}
    assert migrate(document) is document


@pytest.mark.parametrize("schema", [None, 0, -1, True, "1", 1.0, [1]])
def test_what_is_no_schema_is_refused(schema: object) -> None:
    with pytest.raises(SchemaError, match='write "schema": 2'):
        migrate({"schema": schema})


def test_a_file_of_a_later_release_is_refused_in_words() -> None:
    with pytest.raises(SchemaError, match="newer than this release knows; update Gatehouse"):
        migrate({**FIRST, "schema": SCHEMA + 1})
