"""The seeds: complete, repeatable, and gentle with what somebody changed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from domain.clients.booking import BookingUrl, check_booking_url
from domain.kernel.errors import InvalidInputError
from migrations.seeds import SEEDS, apply, demo, test
from tests.support.databases import DatabaseUrls

pytestmark = pytest.mark.integration

_CONTENT = """
    SELECT (SELECT jsonb_agg(to_jsonb(o) ORDER BY id) FROM organizations o),
        (SELECT jsonb_agg(to_jsonb(c) ORDER BY id) FROM clients c),
        (SELECT jsonb_agg(to_jsonb(s) ORDER BY client_id) FROM client_settings s),
        (SELECT jsonb_agg(to_jsonb(b) ORDER BY id) FROM bots b),
        (SELECT jsonb_agg(to_jsonb(k) ORDER BY id) FROM knowledge_entries k)
"""


def _one(url: str, statement: str) -> tuple[object, ...]:
    with psycopg.connect(url) as connection:
        row = connection.execute(statement.encode()).fetchone()
    assert row is not None
    return row


def test_demo_makes_a_client_that_can_serve_customers(database_urls: DatabaseUrls) -> None:
    apply(database_urls.platform, "demo")
    row = _one(
        database_urls.platform,
        "SELECT c.slug, c.sms_number, c.owner_phone, c.timezone, c.onboarding_complete, c.billing_status,"
        " c.payment_active, c.booking_mode, c.booking_url, o.slug, o.status"
        " FROM clients c JOIN organizations o ON o.id = c.org_id",
    )
    assert row[:8] == (
        "harbor-plumbing",
        "+15005550006",
        "+15005550010",
        "America/New_York",
        True,
        "active",
        True,
        "redirect",
    )
    assert check_booking_url(str(row[8])) is BookingUrl.VALID
    assert row[9:] == ("harbor-services", "active")


def test_applying_again_and_at_the_same_time_changes_nothing(database_urls: DatabaseUrls) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: apply(database_urls.platform, "test"), range(8)))
    before = _one(database_urls.platform, _CONTENT)
    apply(database_urls.platform, "test")
    assert _one(database_urls.platform, _CONTENT) == before


def test_what_somebody_changed_survives_and_what_is_missing_comes_back(database_urls: DatabaseUrls) -> None:
    apply(database_urls.platform, "demo")
    with psycopg.connect(database_urls.platform) as connection:
        connection.execute("UPDATE clients SET outbound_paused = true")
        connection.execute("DELETE FROM bots")
    apply(database_urls.platform, "demo")
    assert _one(
        database_urls.platform, "SELECT bool_and(outbound_paused), (SELECT count(*) FROM bots) FROM clients"
    ) == (True, 1)


def test_each_tenant_sees_its_own_rows_only(database_urls: DatabaseUrls) -> None:
    apply(database_urls.platform, "test")
    for tenant in SEEDS["test"]:
        with psycopg.connect(database_urls.app) as connection:
            connection.execute("SELECT set_config('gatehouse.org_id', %s, true)", [str(tenant.organization_id)])
            seen = connection.execute(
                "SELECT (SELECT array_agg(id) FROM clients), (SELECT count(*) FROM knowledge_entries)"
            ).fetchone()
        assert seen == ([tenant.client.id], len(tenant.client.entries))


def test_an_unknown_seed_is_named_and_nothing_is_opened() -> None:
    with pytest.raises(InvalidInputError, match="'production'; there are: demo, test"):
        apply("postgresql://nobody@127.0.0.1:1/nothing", "production")


def test_ids_numbers_and_slugs_of_the_tenants_differ() -> None:
    ids = [demo.ORGANIZATION_ID, demo.CLIENT_ID, demo.BOT_ID, test.ORGANIZATION_ID, test.CLIENT_ID, test.BOT_ID]
    numbers = [demo.SMS_NUMBER, demo.OWNER_PHONE, test.SMS_NUMBER, test.OWNER_PHONE]
    assert len({*ids}) == len(ids)
    assert len({*numbers}) == len(numbers)
    for tenant in SEEDS["test"]:
        keys = [entry.key for entry in tenant.client.entries]
        assert len({*keys}) == len(keys)
