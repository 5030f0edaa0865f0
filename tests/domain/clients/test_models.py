"""The mapped tables are the migrated ones: the same columns, types and nullability."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import pytest
from sqlalchemy import Inspector, Table, create_engine, inspect
from sqlalchemy.dialects import postgresql

from domain.clients.models import Bot, Client, ClientSettings
from domain.gate.models import GuardLog
from domain.kernel.database import Base, sqlalchemy_url
from domain.tenancy.models import Organization
from tests.support.databases import DatabaseUrls

pytestmark = pytest.mark.integration

MODELS: list[type[Base]] = [Organization, Client, ClientSettings, Bot, GuardLog]


@pytest.fixture
def migrated(database_urls: DatabaseUrls) -> Iterator[Inspector]:
    """Look at the schema as the migrations made it."""
    engine = create_engine(sqlalchemy_url(database_urls.superuser))
    yield inspect(engine)
    engine.dispose()


def test_the_models_match_the_schema(migrated: Inspector) -> None:
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    for model in MODELS:
        table = cast("Table", model.__table__)
        columns = migrated.get_columns(table.name)
        assert {c.name: (c.type.compile(dialect), c.nullable) for c in table.columns} == {
            c["name"]: (c["type"].compile(dialect), c["nullable"]) for c in columns
        }, table.name
        key = migrated.get_pk_constraint(table.name)["constrained_columns"]
        assert [c.name for c in table.primary_key] == key
        with_default = {c["name"] for c in columns if c["default"] is not None}
        assert {c.name for c in table.columns if c.server_default is not None} == with_default, table.name
