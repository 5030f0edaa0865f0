"""The shape of a seeded tenant, and its insertion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import time
from typing import Literal
from uuid import UUID, uuid5

import psycopg

EntryKind = Literal["service", "hours", "faq"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One piece of knowledge. `key` names it within its client for good, because its id is derived from it."""

    key: str
    kind: EntryKind
    title: str
    body: str
    price: str | None = None
    keywords: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedClient:
    """One business. Phone numbers are E.164; quiet hours are wall-clock times of `timezone`."""

    id: UUID
    slug: str
    name: str
    timezone: str
    sms_number: str
    owner_name: str
    owner_phone: str
    owner_email: str
    booking_url: str
    quiet_hours: tuple[time, time]
    call_back_text: str
    fallback_text: str
    entries: Sequence[Entry]


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedBot:
    """A chat widget. The origin `self` stands for that of `GATEHOUSE_PUBLIC_URL`."""

    id: UUID
    name: str
    greeting: str
    accent_color: str
    allowed_origins: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenant:
    """An organization with one client and its bot."""

    organization_id: UUID
    organization_slug: str
    organization_name: str
    client: SeedClient
    bot: SeedBot


def entry_id(client_id: UUID, key: str) -> UUID:
    """Return the id of a seeded entry; it stays the same when entries are added, moved or rewritten."""
    return uuid5(client_id, key)


def insert_tenant(connection: psycopg.Connection, tenant: Tenant) -> None:
    """Insert the rows of a tenant that are missing, and complete the onboarding of a client that was."""
    scope = {"org_id": tenant.organization_id, "client_id": tenant.client.id}
    connection.execute(
        "INSERT INTO organizations (id, slug, name) VALUES (%s, %s, %s) ON CONFLICT (id) DO NOTHING",
        [tenant.organization_id, tenant.organization_slug, tenant.organization_name],
    )
    new = connection.execute(_CLIENT, {**asdict(tenant.client), **scope}).rowcount
    start, end = tenant.client.quiet_hours
    connection.execute(
        _SETTINGS,
        {
            **scope,
            "start": start,
            "end": end,
            "fallback_text": tenant.client.fallback_text,
            "call_back_text": tenant.client.call_back_text,
        },
    )
    connection.execute(_BOT, {**asdict(tenant.bot), **scope, "allowed_origins": list(tenant.bot.allowed_origins)})
    connection.cursor().executemany(
        _ENTRY,
        [
            {**asdict(entry), **scope, "id": entry_id(tenant.client.id, entry.key), "position": position}
            for position, entry in enumerate(tenant.client.entries)
        ],
    )
    if new:
        connection.execute("SELECT complete_onboarding(%s)", [tenant.client.id])


_CLIENT = """
    INSERT INTO clients (id, org_id, slug, name, timezone, sms_number, owner_name, owner_phone, owner_email,
        booking_mode, booking_url, billing_status, payment_active)
    VALUES (%(id)s, %(org_id)s, %(slug)s, %(name)s, %(timezone)s, %(sms_number)s, %(owner_name)s, %(owner_phone)s,
        %(owner_email)s, 'redirect', %(booking_url)s, 'active', true)
    ON CONFLICT (id) DO NOTHING
"""

_SETTINGS = """
    INSERT INTO client_settings (client_id, org_id, quiet_hours_start, quiet_hours_end, fallback_text, call_back_text)
    VALUES (%(client_id)s, %(org_id)s, %(start)s, %(end)s, %(fallback_text)s, %(call_back_text)s)
    ON CONFLICT (client_id) DO NOTHING
"""

_BOT = """
    INSERT INTO bots (id, org_id, client_id, name, greeting, accent_color, allowed_origins)
    VALUES (%(id)s, %(org_id)s, %(client_id)s, %(name)s, %(greeting)s, %(accent_color)s, %(allowed_origins)s)
    ON CONFLICT (id) DO NOTHING
"""

_ENTRY = """
    INSERT INTO knowledge_entries (id, org_id, client_id, kind, title, body, price, keywords, position)
    VALUES (%(id)s, %(org_id)s, %(client_id)s, %(kind)s, %(title)s, %(body)s, %(price)s, %(keywords)s, %(position)s)
    ON CONFLICT (id) DO NOTHING
"""
