"""A person's desk over HTTP: reading a conversation, answering in it, and giving it back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import psycopg
import pytest
import redis

from api.app import create_app
from config.settings import Settings
from migrations.seeds import apply
from migrations.seeds.demo import CLIENT_ID
from providers.signals import THREAD
from tests.api.conftest import ADMIN_TOKEN
from tests.api.widget.conftest import events_of, say
from tests.support.app_client import AppClient
from tests.support.hand_worker import HandWorker

if TYPE_CHECKING:
    from tests.support.databases import DatabaseUrls

pytestmark = pytest.mark.integration
OPERATOR = {"authorization": f"Bearer {ADMIN_TOKEN}"}


@pytest.fixture
def client(settings: Settings, database_urls: DatabaseUrls) -> Iterator[AppClient]:
    apply(database_urls.platform, "test")
    with AppClient(create_app(settings)) as client:
        yield client


@pytest.fixture
def database(database_urls: DatabaseUrls) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(database_urls.platform, autocommit=True) as connection:
        yield connection


def test_an_operator_answers_in_the_chat_and_the_visitor_sees_it(
    client: AppClient, settings: Settings, redis_url: str
) -> None:
    chat = say(client).json()
    path = f"/api/v1/conversations/{chat['conversation_id']}"
    with closing(redis.Redis.from_url(redis_url)) as connection, connection.pubsub() as signals:  # type: ignore[no-untyped-call]
        signals.subscribe(f"{THREAD}{chat['conversation_id']}")
        signals.get_message(timeout=5)
        answer = client.post(f"{path}/messages", json={"text": "Dana here.", "name": "Dana"}, headers=OPERATOR)
        assert signals.get_message(timeout=5) is not None

    assert answer.status_code == 201
    assert answer.json()["delivery_id"] is None
    with HandWorker(settings) as worker:
        worker.work("conversations.process")
    shown = client.get(f"{events_of(chat)}&wait=0").json()["messages"]
    assert [one["text"] for one in shown if one["from"] == "business"] == ["Dana here."]
    found = client.get(path, headers=OPERATOR).json()
    assert found["taken_over_by"] == "operator: Dana"
    assert [(line["author"], line["outcome"]) for line in found["items"]] == [
        ("contact", "left_to_person"),
        ("person", None),
    ]


def test_a_repeat_with_the_same_key_says_nothing_twice(client: AppClient) -> None:
    chat = say(client).json()
    path = f"/api/v1/conversations/{chat['conversation_id']}/messages"
    headers = {**OPERATOR, "idempotency-key": "k1"}
    first, second = (client.post(path, json={"text": "Hello"}, headers=headers).json() for _ in range(2))

    assert first == second
    assert client.post(path, json={"text": "Other"}, headers=headers).status_code == 409


def test_a_conversation_is_given_back(client: AppClient, settings: Settings) -> None:
    chat = say(client).json()
    path = f"/api/v1/conversations/{chat['conversation_id']}"
    client.post(f"{path}/messages", json={"text": "Hello"}, headers=OPERATOR)

    assert client.post(f"{path}/release", headers=OPERATOR).json() == {"released": True}
    assert client.post(f"{path}/release", headers=OPERATOR).json() == {"released": False}
    with HandWorker(settings) as worker:
        worker.work("conversations.process")
    assert [line["author"] for line in client.get(path, headers=OPERATOR).json()["items"]][-1] == "ai"


def test_the_gate_says_no_in_words_and_on_record(client: AppClient, database: psycopg.Connection[Any]) -> None:
    chat = say(client).json()
    database.execute("UPDATE clients SET outbound_paused = true")
    answer = client.post(
        f"/api/v1/conversations/{chat['conversation_id']}/messages", json={"text": "Hello"}, headers=OPERATOR
    )

    assert answer.status_code == 409
    assert "Everything outbound is paused" in answer.json()["detail"]
    assert database.execute("SELECT count(*) FROM guard_logs WHERE NOT allowed").fetchone() == (1,)
    assert database.execute("SELECT count(*) FROM messages WHERE author = 'person'").fetchone() == (0,)


def test_long_conversations_are_read_page_by_page(client: AppClient) -> None:
    chat = say(client, "text 0").json()
    for number in range(1, 5):
        say(client, f"text {number}", token=chat["conversation_token"])
    path = f"/api/v1/conversations/{chat['conversation_id']}"
    last = client.get(path, params={"limit": 3}, headers=OPERATOR).json()
    first = client.get(path, params={"limit": 3, "before": last["next"]}, headers=OPERATOR).json()

    assert [line["text"] for line in first["items"] + last["items"]] == [f"text {number}" for number in range(5)]
    assert first["next"] is None


@pytest.mark.parametrize("body", [{"text": ""}, {"text": "x" * 1601}, {"text": "x", "author": "ai"}, {}])
def test_what_is_no_answer_is_refused(client: AppClient, body: dict[str, str]) -> None:
    chat = say(client).json()
    path = f"/api/v1/conversations/{chat['conversation_id']}/messages"
    assert client.post(path, json=body, headers=OPERATOR).status_code == 422


def test_unknown_conversations_and_strangers_get_nothing(client: AppClient) -> None:
    path = f"/api/v1/conversations/{uuid4()}"
    assert client.get(path, headers=OPERATOR).status_code == 404
    assert client.post(f"{path}/messages", json={"text": "x"}, headers=OPERATOR).status_code == 404
    assert client.post(f"{path}/release", headers=OPERATOR).status_code == 404
    for method, tail in (("GET", ""), ("POST", "/messages"), ("POST", "/release")):
        assert client.request(method, path + tail).status_code == 401


def test_a_clients_conversations_are_listed_by_what_was_said_last(
    client: AppClient, database: psycopg.Connection[Any]
) -> None:
    first, second, third = (say(client).json()["conversation_id"] for _ in range(3))
    database.execute("UPDATE conversations SET last_message_at = now() + '1 hour' WHERE id = %s", [first])
    database.execute("UPDATE conversations SET last_message_at = now() WHERE id <> %s", [first])
    path = f"/api/v1/conversations?client={CLIENT_ID}&limit=2"
    page = client.get(path, headers=OPERATOR).json()
    rest = client.get(f"{path}&after={page['next']}", headers=OPERATOR).json()

    assert [one["id"] for one in page["items"]] == [first, max(second, third)]
    assert [one["id"] for one in rest["items"]] == [min(second, third)]
    assert rest["next"] is None


def test_a_list_needs_a_client_that_there_is(client: AppClient) -> None:
    assert client.get("/api/v1/conversations", headers=OPERATOR).status_code == 422
    assert client.get(f"/api/v1/conversations?client={uuid4()}", headers=OPERATOR).status_code == 404


@pytest.mark.parametrize("cursor", ["x", "bnVsbA", "WzEsMl0", "WyIyMDI2LTAxLTAxIiwiYSJd", "WyIyMDI2LTAxLTAxIiwgIngiXQ"])
def test_a_made_up_cursor_is_refused(client: AppClient, cursor: str) -> None:
    answer = client.get(f"/api/v1/conversations?client={CLIENT_ID}&after={cursor}", headers=OPERATOR)
    assert answer.status_code == 422
