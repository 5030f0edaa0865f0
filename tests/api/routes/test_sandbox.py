"""The sandbox phone and the demo's chat page, on a real port: what it sends really comes in as a signed webhook."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import httpx
import psycopg
import pytest
from pydantic import SecretStr

from api.app import create_app
from config.settings import Settings, Twilio
from migrations.seeds import apply
from migrations.seeds.demo import BOT_ID, CLIENT_ID, OWNER_PHONE
from tests.api.conftest import ADMIN_TOKEN
from tests.support.app_client import AppClient
from tests.support.hand_worker import HandWorker
from tests.support.live_app import LiveApp
from tests.support.twilio_webhook import AUTH_TOKEN, CUSTOMER

if TYPE_CHECKING:
    from tests.api.conftest import MakeSettings
    from tests.support.databases import DatabaseUrls

pytestmark = pytest.mark.integration
BEARER = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
EVENTS = f"/sandbox/events/{CLIENT_ID}"


@pytest.fixture
def settings(settings: Settings, database_urls: DatabaseUrls) -> Settings:
    """Give settings that know an auth token, on a database with the demo tenant."""
    apply(database_urls.platform, "demo")
    twilio = Twilio(account_sid=f"AC{'0' * 32}", auth_token=SecretStr(AUTH_TOKEN))
    # Twilio signs the public address, which is not where the webhook is posted to.
    return settings.model_copy(update={"twilio": twilio, "public_url": "https://texts.example.com"})


@pytest.fixture
def live(settings: Settings) -> Iterator[httpx.Client]:
    with LiveApp(lambda _: create_app(settings)) as app, app.client() as client:
        client.headers.update(BEARER)
        yield client


@pytest.fixture
def database(database_urls: DatabaseUrls) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(database_urls.platform, autocommit=True) as connection:
        yield connection


def typed(text: object = "How much is a drain cleaning?", **changes: object) -> dict[str, object]:
    return {"client_id": str(CLIENT_ID), "sender": CUSTOMER, "text": text, "sid": f"SM{uuid4().hex}"} | changes


def texts(client: httpx.Client, number: str, count: int) -> list[dict[str, Any]]:
    """Return the first `count` texts of a handset's stream."""
    found: list[dict[str, Any]] = []
    with client.stream("GET", EVENTS, params={"number": number}) as answer:
        assert answer.status_code == 200
        for line in answer.iter_lines():
            if len(found) == count:
                break
            if line.startswith('data: {"id"'):
                found.append(json.loads(line.removeprefix("data: ")))
    return found


def test_what_is_typed_comes_in_as_a_signed_webhook_and_is_answered(live: httpx.Client, settings: Settings) -> None:
    answer = live.post("/sandbox/texts", json=typed(sender="+1 (500) 555-0001"))
    assert answer.status_code == 202, answer.text
    correlation_id = answer.json()["correlation_id"]
    with HandWorker(settings) as worker:
        worker.work()

    sent, received = texts(live, CUSTOMER, 2)

    assert (sent["direction"], sent["text"]) == ("sent", "How much is a drain cleaning?")
    assert received["direction"] == "received"
    assert "$149" in received["text"]
    assert sent["correlation_id"] == received["correlation_id"] == correlation_id
    assert live.get(f"/api/v1/journeys/{correlation_id}").json()["state"] == "answered"


def test_a_repeat_is_sent_once(live: httpx.Client, database: psycopg.Connection[Any]) -> None:
    text = typed()
    first, again = live.post("/sandbox/texts", json=text), live.post("/sandbox/texts", json=text)
    assert (first.status_code, again.status_code) == (202, 202)
    assert database.execute("SELECT count(*) FROM messages").fetchone() == (1,)


def test_the_owners_phone_gets_the_alerts(live: httpx.Client, settings: Settings) -> None:
    with HandWorker(settings) as worker, psycopg.connect(settings.postgres_url("platform")) as connection:
        connection.execute("UPDATE clients SET ai_disabled = true")
        connection.commit()
        live.post("/sandbox/texts", json=typed())
        worker.work()

    (alert,) = texts(live, OWNER_PHONE, 1)
    assert "Harbor Plumbing" in alert["text"]


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"sender": "nobody"}, 422),
        ({"text": ""}, 422),
        ({"text": "x" * 1601}, 422),
        ({"sid": "SM1"}, 422),
        ({"client_id": str(uuid4())}, 404),
    ],
)
def test_what_cannot_be_sent_is_told(live: httpx.Client, changes: dict[str, object], status: int) -> None:
    assert live.post("/sandbox/texts", json=typed(**changes)).status_code == status


def test_a_number_that_is_none_has_no_stream(live: httpx.Client) -> None:
    assert live.get(EVENTS, params={"number": "nobody"}).status_code == 422
    assert live.get(f"/sandbox/events/{uuid4()}", params={"number": CUSTOMER}).status_code == 404


def test_without_a_token_nothing_can_be_signed(settings: Settings) -> None:
    bare = settings.model_copy(update={"twilio": Twilio()})
    with AppClient(create_app(bare)) as client:
        answer = client.post("/sandbox/texts", json=typed(), headers=BEARER)
        assert (answer.status_code, answer.json()["type"]) == (409, "urn:gatehouse:problem:unsigned")
        assert "no token to sign with" in client.get("/sandbox", headers=BEARER).text


def test_an_endpoint_that_refuses_is_told(settings: Settings) -> None:
    """The in-process client names a server that no request can reach."""
    with AppClient(create_app(settings), base_url="http://127.0.0.1:1") as client:
        answer = client.post("/sandbox/texts", json=typed(), headers=BEARER)
    assert answer.status_code == 502
    assert "could not be reached" in answer.json()["detail"]


def test_the_pages_are_for_development_alone(unconnected: MakeSettings) -> None:
    production = AppClient(create_app(unconnected(environment="production")))
    for method, path in (
        ("GET", "/sandbox"),
        ("GET", EVENTS),
        ("POST", "/sandbox/texts"),
        ("GET", "/demo/chat"),
    ):
        assert production.request(method, path, headers=BEARER).status_code == 404
        assert production.request(method, path).status_code == 404


def test_the_phone_is_for_operators_alone(settings: Settings) -> None:
    with AppClient(create_app(settings)) as stranger:
        assert stranger.get("/sandbox").status_code == 401
        assert stranger.get(EVENTS, params={"number": CUSTOMER}).status_code == 401
        assert stranger.post("/sandbox/texts", json=typed()).status_code == 401
        assert stranger.get("/sandbox", headers={"Accept": "text/html"}).headers["location"] == "/sign-in?next=/sandbox"


def test_the_pages_say_what_they_are_for(settings: Settings, database: psycopg.Connection[Any]) -> None:
    with AppClient(create_app(settings)) as client:
        phone = client.get("/sandbox", headers=BEARER).text
        chat = client.get("/demo/chat").text
        assert "Harbor Plumbing, +15005550006" in phone
        assert f'data-bot="{BOT_ID}"' in chat
        for one in (phone, chat):
            assert " style=" not in one
            assert "<script>" not in one
        database.execute("UPDATE bots SET enabled = false")
        missing = client.get("/demo/chat")
        assert missing.status_code == 404
        assert "gatehouse seed demo" in missing.text
        assert client.get(f"/demo/chat?bot={BOT_ID}").status_code == 404
