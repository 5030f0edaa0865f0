"""Tenants to begin with: `demo` is what `gatehouse up` shows, `test` adds a second tenant beside it.

Every row has a fixed id and is inserted only where it is missing. What somebody changed in a seeded tenant (a switch
thrown, a price corrected) therefore survives the next start, and a release that adds rows adds only those.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import psycopg

from domain.kernel.database import psycopg_url
from domain.kernel.errors import InvalidInputError
from migrations.seeds import demo, test
from migrations.seeds.tenant import Tenant, insert_tenant

SEEDS: Final[Mapping[str, Sequence[Tenant]]] = {"demo": (demo.TENANT,), "test": (demo.TENANT, test.TENANT)}

ADVISORY_LOCK: Final = 7_305_302
"""Seeds applied at once wait for one another: `ON CONFLICT (id)` does not keep two from colliding on a slug."""


def apply(platform_url: str, name: str) -> None:
    """Insert what is missing of the seed `name` in one transaction, as role `gatehouse_platform`.

    Safe to run again and at the same time. Raises InvalidInputError for an unknown name, psycopg.Error when the server
    can't be reached or refuses.
    """
    tenants = SEEDS.get(name)
    if tenants is None:
        raise InvalidInputError(f"There is no seed {name!r}; there are: {', '.join(sorted(SEEDS))}.")
    with psycopg.connect(psycopg_url(platform_url), application_name="gatehouse seed") as connection:
        connection.execute("SELECT pg_advisory_xact_lock(%s)", [ADVISORY_LOCK])
        for tenant in tenants:
            insert_tenant(connection, tenant)
