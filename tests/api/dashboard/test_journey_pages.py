"""Find a journey by whatever is known of it, and read why it went as it did."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import psycopg
import pytest
from pydantic import SecretStr

from api.app import create_app
from config.settings import Settings, Twilio
from domain.kernel.ids import new_id
from migrations.seeds import apply
from migrations.seeds.demo import CLIENT_ID, ORGANIZATION_ID
from tests.api.conftest import ADMIN_TOKEN
from tests.support.app_client import AppClient
from tests.support.hand_worker import HandWorker
from tests.support.signing_in import add_person, sign_in, sign_in_by_token
from tests.support.twilio_webhook import AUTH_TOKEN, CUSTOMER, encoded, signed, sms_form

if TYPE_CHECKING:
    from tests.support.databases import DatabaseUrls

pytestmark = pytest.mark.integration
PATH = "/dashboard/journeys"
QUESTION = "How much is a drain cleaning?"


@pytest.fixture
def settings(settings: Settings, database_urls: DatabaseUrls) -> Settings:
    """Give settings that know an auth token, on a database with two tenants."""
    apply(database_urls.platform, "test")
    twilio = Twilio(account_sid=f"AC{'0' * 32}", auth_token=SecretStr(AUTH_TOKEN))
    return settings.model_copy(update={"twilio": twilio})


@pytest.fixture
def client(settings: Settings) -> Iterator[AppClient]:
    """Give a browser of somebody of the platform."""
    with AppClient(create_app(settings)) as client:
        sign_in_by_token(client, ADMIN_TOKEN)
        client.headers["accept"] = "text/html"
        yield client


@pytest.fixture
def database(database_urls: DatabaseUrls) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(database_urls.platform, autocommit=True) as connection:
        yield connection


def text(client: AppClient, settings: Settings, body: str = QUESTION) -> tuple[str, dict[str, str]]:
    """Text the demo client; return the correlation id and the form."""
    form = sms_form(body)
    answer = client.post("/webhooks/twilio/sms", content=encoded(form), headers=signed(settings.public_url, form))
    assert answer.status_code == 200
    return str(answer.headers["x-correlation-id"]), form


def see(browser: AppClient, path: str = PATH, status: int = 200, **query: str) -> str:
    answer = browser.get(path, params=query or None)
    assert answer.status_code == status, answer.text
    return answer.text


def value(database: psycopg.Connection[Any], query: str) -> str:
    row = database.execute(query.encode()).fetchone()
    assert row is not None
    return str(row[0])


def test_an_id_of_anything_leads_to_the_journey(
    client: AppClient, settings: Settings, database: psycopg.Connection[Any]
) -> None:
    correlation_id, form = text(client, settings)
    with HandWorker(settings) as worker:
        worker.work()
    known = [
        correlation_id,
        form["MessageSid"],
        value(database, "SELECT id FROM jobs WHERE kind = 'conversations.process'"),
        value(database, "SELECT id FROM messages WHERE direction = 'in'"),
        value(database, "SELECT id FROM deliveries WHERE purpose = 'reply'"),
        value(database, "SELECT id FROM notification_logs ORDER BY id LIMIT 1"),
        value(database, "SELECT provider_id FROM notification_logs ORDER BY id LIMIT 1"),
        value(database, "SELECT id FROM guard_logs LIMIT 1"),
        value(database, "SELECT id FROM conversations"),
    ]
    for wanted in known:
        answer = client.get(PATH, params={"q": f" {wanted} "})
        assert (answer.status_code, answer.headers.get("location")) == (303, f"{PATH}/{correlation_id}"), wanted
    assert "Nothing is on record under this id" in see(client, PATH, 422, q=str(uuid4()))


def test_the_id_of_the_request_that_brought_a_text_in_is_its_journey_s(client: AppClient, settings: Settings) -> None:
    form = sms_form(QUESTION)
    answer = client.post("/webhooks/twilio/sms", content=encoded(form), headers=signed(settings.public_url, form))
    request_id = answer.headers["x-request-id"]
    assert client.get(PATH, params={"q": request_id}).headers["location"] == f"{PATH}/{request_id}"
    # One that a caller gave may be anybody's.
    form = sms_form(QUESTION)
    headers = signed(settings.public_url, form) | {"x-request-id": request_id}
    answer = client.post("/webhooks/twilio/sms", content=encoded(form), headers=headers)
    assert answer.headers["x-request-id"] == request_id != answer.headers["x-correlation-id"]


def test_the_search_over_everything_finds_messages_and_deliveries(
    client: AppClient, settings: Settings, database: psycopg.Connection[Any]
) -> None:
    correlation_id, form = text(client, settings)
    with HandWorker(settings) as worker:
        worker.work()
    everywhere = "/dashboard/search"
    assert f'href="{PATH}/{correlation_id}"' in see(client, everywhere, q=CUSTOMER)
    found = client.get(everywhere, params={"q": form["MessageSid"]})
    assert (found.status_code, found.headers.get("location")) == (303, f"{PATH}/{correlation_id}")
    delivery_id = value(database, "SELECT id FROM deliveries WHERE purpose = 'reply'")
    page = see(client, everywhere, q=delivery_id)
    assert f'href="/dashboard/deliveries/{delivery_id}"' in page
    assert f'href="{PATH}/{correlation_id}"' in page


def test_a_person_s_request_leads_to_the_journey_that_it_was_about(
    client: AppClient, settings: Settings, database: psycopg.Connection[Any]
) -> None:
    correlation_id, _ = text(client, settings)
    job_id = value(database, "SELECT id FROM jobs")
    database.execute("UPDATE jobs SET state = 'dead', finished_at = now()")
    shown = client.get(f"/dashboard/dead-letters/{job_id}?reveal=true")
    answer = client.get(PATH, params={"q": shown.headers["x-request-id"]})
    assert answer.headers.get("location") == f"{PATH}/{correlation_id}"


def test_messages_are_found_by_number_by_text_and_by_what_became_of_them(client: AppClient, settings: Settings) -> None:
    assert "No message" in see(client)
    first, _ = text(client, settings)
    with HandWorker(settings) as worker:
        worker.work()
    second, _ = text(client, settings, "And when do you open?")
    everything = see(client)
    assert everything.index(second) < everything.index(first)
    assert QUESTION in everything
    assert "a number ending in 01" in everything
    assert "not answered yet" in everything
    for query, found in (
        ({"q": CUSTOMER}, {first, second}),
        ({"q": "(500) 555-0001"}, {first, second}),
        ({"q": "DRAIN clean"}, {first}),
        ({"outcome": "waiting"}, {second}),
        ({"outcome": "answered", "client": str(CLIENT_ID)}, {first}),
        ({"client": str(new_id())}, set()),
        ({"q": "+15005550199"}, set()),
        ({"q": "100%"}, set()),
    ):
        page = see(client, PATH, 200, **query)
        assert {one for one in (first, second) if one in page} == found, query
    assert CUSTOMER not in see(client, PATH, outcome="answered")
    assert len(see(client, PATH, format="csv").splitlines()) == 3


def test_a_journey_answers_why_there_was_no_reply(
    client: AppClient, settings: Settings, database: psycopg.Connection[Any]
) -> None:
    database.execute("UPDATE clients SET outbound_paused = true WHERE id = %s", [CLIENT_ID])
    correlation_id, _ = text(client, settings)
    with HandWorker(settings) as worker:
        worker.work()
    page = see(client, f"{PATH}/{correlation_id}")
    why = page[page.index('id="why"') : page.index("What to do")]
    assert "Why no reply?" in why
    assert "paused" in why
    assert "by rule version" in page
    assert "Everything outbound is paused" in page
    assert 'data-finished="true"' in page
    job_id = value(database, "SELECT id FROM jobs WHERE kind = 'conversations.process'")
    assert f'href="/dashboard/jobs/{job_id}"' in page


def test_a_dead_letter_of_a_journey_is_one_step_away(
    client: AppClient, settings: Settings, database: psycopg.Connection[Any]
) -> None:
    correlation_id, _ = text(client, settings)
    database.execute("UPDATE jobs SET state = 'dead', last_error = 'It broke.', finished_at = now()")
    page, job_id = see(client, f"{PATH}/{correlation_id}"), value(database, "SELECT id FROM jobs")
    assert f'href="/dashboard/dead-letters/{job_id}"' in page
    assert "Why did no reply arrive?" in page


def test_another_organization_s_messages_are_nobody_s_here(
    client: AppClient, settings: Settings, database: psycopg.Connection[Any], database_urls: DatabaseUrls
) -> None:
    correlation_id, form = text(client, settings)
    other = value(database, f"SELECT org_id FROM clients WHERE org_id <> '{ORGANIZATION_ID}' LIMIT 1")  # noqa: S608
    add_person(database_urls.platform, "viewer@example.com", ("workspace_viewer", UUID(other), None))
    client.cookies.clear()
    sign_in(client, "viewer@example.com")
    assert correlation_id not in see(client)
    assert correlation_id not in see(client, PATH, q=CUSTOMER)
    assert correlation_id not in see(client, PATH, q="drain cleaning")
    for wanted in (correlation_id, form["MessageSid"], value(database, "SELECT id FROM jobs")):
        assert client.get(PATH, params={"q": wanted}).status_code in {200, 422}, wanted
    assert "Nothing is on record here" in see(client, f"{PATH}/{correlation_id}", 404)


def test_a_viewer_of_one_client_sees_its_messages_alone(
    client: AppClient, settings: Settings, database: psycopg.Connection[Any], database_urls: DatabaseUrls
) -> None:
    correlation_id, form = text(client, settings)
    beside = new_id()
    database.execute(
        "INSERT INTO clients (id, org_id, slug, name, timezone) VALUES (%s, %s, 'beside', 'Beside', 'UTC')",
        [beside, ORGANIZATION_ID],
    )
    for email, client_id in (("theirs@example.com", CLIENT_ID), ("beside@example.com", beside)):
        add_person(database_urls.platform, email, ("workspace_viewer", ORGANIZATION_ID, client_id))
    client.cookies.clear()
    sign_in(client, "theirs@example.com")
    assert correlation_id in see(client)
    client.cookies.clear()
    sign_in(client, "beside@example.com")
    assert correlation_id not in see(client)
    assert correlation_id not in see(client, PATH, q=CUSTOMER)
    assert client.get(PATH, params={"q": form["MessageSid"]}).status_code == 422
    assert see(client, f"{PATH}/{correlation_id}", 404)
