"""The tenants of a run: each with one client, a number and the demo's knowledge."""

from __future__ import annotations

from dataclasses import replace
from typing import Final
from uuid import UUID

import psycopg

from migrations.seeds import demo
from migrations.seeds.tenant import insert_tenant
from tests.chaos.customers import Customer

TENANTS: Final = 4
BRAKED: Final = 3
"""The tenant whose emergency brake (`outbound_paused`) is pulled for a part of the run."""


def tenant_of(who: Customer) -> int:
    """Return whose customer this is."""
    return who.index % TENANTS


def client_number(tenant: int) -> str:
    """Return the number of the one client of a tenant."""
    return f"+1500555{6000 + tenant}"


def seed_tenants(platform_url: str) -> None:
    """Make tenants of the demo's kind, each with a number of its own."""
    with psycopg.connect(platform_url) as connection:
        for tenant in range(TENANTS):
            made = replace(
                demo.TENANT,
                organization_id=UUID(int=demo.ORGANIZATION_ID.int + (tenant << 64)),
                organization_slug=f"tenant-{tenant}",
                client=replace(
                    demo.TENANT.client,
                    id=client_id(tenant),
                    slug=f"client-{tenant}",
                    sms_number=client_number(tenant),
                    owner_phone=f"+1500555{7000 + tenant}",
                ),
                bot=replace(demo.TENANT.bot, id=UUID(int=demo.BOT_ID.int + (tenant << 64))),
            )
            insert_tenant(connection, made)


def client_id(tenant: int) -> UUID:
    """Return the id of the client of a tenant."""
    return UUID(int=demo.CLIENT_ID.int + (tenant << 64))


def brake(superuser_url: str, *, pulled: bool) -> None:
    """Pull the brake of one client's switches, or let it go. Raises psycopg.Error."""
    with psycopg.connect(superuser_url, connect_timeout=5) as connection:
        connection.execute("UPDATE clients SET outbound_paused = %s WHERE id = %s", [pulled, client_id(BRAKED)])
