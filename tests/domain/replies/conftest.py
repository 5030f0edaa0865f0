"""Both seeded businesses in one database, made once a module: searching changes nothing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from domain.kernel.database import Database
from migrations.seeds import apply
from tests.support.databases import Databases


@pytest.fixture(scope="module")
def knowledge(databases: Databases) -> Iterator[Database]:
    with databases.migrated() as urls:
        apply(urls.platform, "test")
        database = Database(urls.app, urls.platform)
        yield database
        database.close()
