"""What tests of capabilities share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from domain.kernel.database import Database
from tests.support.databases import DatabaseUrls


@pytest.fixture
def database(database_urls: DatabaseUrls) -> Iterator[Database]:
    """Open the scopes over a migrated database without rows."""
    with closing(Database(database_urls.app, database_urls.platform)) as opened:
        yield opened
