"""POST /webhooks/twilio/status on real servers: one receipt a status, and nothing without a signature."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from uuid import UUID

import psycopg
import pytest
from prometheus_client import REGISTRY
from pydantic import SecretStr

from config.settings import Settings, Twilio
from domain.kernel.ids import new_id
from migrations.seeds import apply
from migrations.seeds.demo import CLIENT_ID, ORGANIZATION_ID
from tests.support.app_client import AppClient
from tests.support.twilio_webhook import AUTH_TOKEN, CUSTOMER, encoded, signed

if TYPE_CHECKING:
    import httpx

    from tests.support.databases import DatabaseUrls

pytestmark = pytest.mark.integration
SID = f"SM{'b' * 32}"


@pytest.fixture
def settings(settings: Settings, database_urls: DatabaseUrls) -> Settings:
    """Give settings that know an auth token, on a database with the demo tenant."""
    apply(database_urls.platform, "demo")
    twilio = Twilio(account_sid=f"AC{'0' * 32}", auth_token=SecretStr(AUTH_TOKEN))
    return settings.model_copy(update={"twilio": twilio})


@pytest.fixture
def database(database_urls: DatabaseUrls) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(database_urls.platform, autocommit=True) as connection:
        yield connection


@pytest.fixture
def attempt(settings: Settings, database: psycopg.Connection[Any]) -> UUID:
    """Store a delivery whose attempt's answer was lost, and return the attempt."""
    del settings
    delivery, attempt = new_id(), new_id()
    database.execute(
        "INSERT INTO deliveries (id, org_id, client_id, purpose, channel, to_address, body, state, attempts)"
        " VALUES (%s, %s, %s, 'reply', 'sms', %s, 'Hello', 'unknown', 1)",
        [delivery, ORGANIZATION_ID, CLIENT_ID, CUSTOMER],
    )
    database.execute(
        "INSERT INTO notification_logs (id, org_id, client_id, delivery_id, attempt, provider, outcome)"
        " VALUES (%s, %s, %s, %s, 1, 'twilio', 'unknown')",
        [attempt, ORGANIZATION_ID, CLIENT_ID, delivery],
    )
    return attempt


def callback(status: str, **fields: str) -> dict[str, str]:
    return {
        "MessageSid": SID,
        "MessageStatus": status,
        "To": CUSTOMER,
        "From": "+15005550006",
        "ApiVersion": "",
    } | fields


def post(
    client: AppClient, settings: Settings, attempt: object, form: dict[str, str], **headers: str
) -> httpx.Response:
    path = "/webhooks/twilio/status" + (f"?attempt={attempt}" if attempt else "")
    return client.post(path, content=encoded(form), headers=signed(settings.public_url, form, path) | headers)


def state(database: psycopg.Connection[Any]) -> tuple[Any, ...]:
    row = database.execute(
        "SELECT state, provider_id, error_code, outcome, (SELECT count(*) FROM delivery_receipts)"
        " FROM deliveries d JOIN (SELECT delivery_id, outcome FROM notification_logs) l ON l.delivery_id = d.id"
    ).fetchone()
    assert row is not None
    return tuple(row)


def test_a_callback_proves_acceptance_and_closes_the_delivery(
    client: AppClient, settings: Settings, attempt: UUID, database: psycopg.Connection[Any]
) -> None:
    answers = [post(client, settings, attempt, callback(status)) for status in ("delivered", "sent", "delivered")]

    assert [(answer.status_code, answer.content) for answer in answers] == [(204, b"")] * 3
    assert state(database) == ("delivered", SID, None, "accepted", 2)


def test_an_opt_out_by_callback_is_recorded(
    client: AppClient, settings: Settings, attempt: UUID, database: psycopg.Connection[Any]
) -> None:
    assert post(client, settings, attempt, callback("failed", ErrorCode="21610")).status_code == 204
    assert state(database) == ("failed", SID, "21610", "accepted", 1)
    assert database.execute("SELECT address, source FROM opt_outs").fetchall() == [(CUSTOMER, "provider")]


@pytest.mark.parametrize("unknown", [None, "01930000-0000-7000-8000-00000000ffff"])
def test_a_callback_of_a_message_that_is_not_ours_changes_nothing(
    client: AppClient, settings: Settings, attempt: UUID, database: psycopg.Connection[Any], unknown: str | None
) -> None:
    del attempt
    assert post(client, settings, unknown, callback("sent")).status_code == 204
    assert state(database) == ("unknown", None, None, "unknown", 0)


@pytest.mark.parametrize(
    ("fields", "attempt_given"),
    [
        ({"MessageSid": ""}, True),
        ({"MessageSid": "nonsense"}, True),
        ({"MessageStatus": ""}, True),
        ({"MessageStatus": "Sent\x00"}, True),
        ({}, False),
    ],
)
def test_what_is_not_a_report_is_refused(
    client: AppClient,
    settings: Settings,
    attempt: UUID,
    database: psycopg.Connection[Any],
    fields: dict[str, str],
    *,
    attempt_given: bool,
) -> None:
    answer = post(client, settings, attempt if attempt_given else "not-an-id", callback("sent", **fields))
    assert answer.status_code == 422
    assert state(database) == ("unknown", None, None, "unknown", 0)


def test_a_callback_that_is_not_signed_for_this_attempt_is_refused(
    client: AppClient, settings: Settings, attempt: UUID, database: psycopg.Connection[Any]
) -> None:
    form, before = callback("delivered"), _unsigned()
    path = f"/webhooks/twilio/status?attempt={attempt}"
    foreign = signed(settings.public_url, form, "/webhooks/twilio/status?attempt=another")
    answers = [
        client.post(path, content=encoded(form), headers=foreign),
        client.post(path, content=encoded(form), headers=foreign | {"x-twilio-signature": ""}),
        client.post(
            path, content=encoded(form | {"MessageStatus": "failed"}), headers=signed(settings.public_url, form, path)
        ),
        client.post(path, data=form),
        client.post(path, json=form),
    ]

    assert [answer.status_code for answer in answers] == [403] * 5
    assert state(database) == ("unknown", None, None, "unknown", 0)
    assert _unsigned() - before == 5


def test_a_body_over_the_limit_is_refused(client: AppClient, settings: Settings, attempt: UUID) -> None:
    answer = post(client, settings, attempt, callback("sent", Body="x" * 70_000))
    assert answer.status_code == 413


def _unsigned() -> float:
    return REGISTRY.get_sample_value("gatehouse_ingest_total", {"channel": "status", "outcome": "unsigned"}) or 0.0
