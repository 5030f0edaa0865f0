"""The schema that processes ask for is the newest migration."""

from __future__ import annotations

import pytest

from domain.kernel.schema import SCHEMA_REVISION, schema_problem
from migrations.apply import head


def test_the_release_knows_its_newest_migration() -> None:
    assert head() == SCHEMA_REVISION


@pytest.mark.parametrize(
    ("revision", "wrong"), [(None, True), ("0001", True), (SCHEMA_REVISION, False), ("9999", False)]
)
def test_only_an_older_schema_is_wrong(revision: str | None, *, wrong: bool) -> None:
    assert (schema_problem(revision) is not None) is wrong
