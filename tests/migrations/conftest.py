"""A database with two tenants, shared by the tests of a module that undo what they do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.support.two_tenants import two_tenants

if TYPE_CHECKING:
    from tests.support.databases import Databases, DatabaseUrls


@pytest.fixture(scope="module")
def tenants(databases: Databases) -> Iterator[DatabaseUrls]:
    """Give a database in which two tenants have a row in every table."""
    with two_tenants(databases) as urls:
        yield urls
