"""Following a conversation: what comes, in order, once, and to nobody else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import httpx
import pytest
import redis

from api.app import create_app
from api.widget.streams import OPEN_OF_CONVERSATION
from config.settings import Settings
from tests.api.widget.conftest import events_of, reply, say
from tests.support.app_client import AppClient
from tests.support.eventually import eventually
from tests.support.live_app import LiveApp

if TYPE_CHECKING:
    import psycopg

pytestmark = pytest.mark.integration
Event = dict[str, str]


@pytest.fixture
def live(settings: Settings) -> Iterator[httpx.Client]:
    """Serve the application on a port."""
    with (
        LiveApp(lambda url: create_app(settings.model_copy(update={"public_url": url}))) as app,
        app.client() as client,
    ):
        yield client


@contextmanager
def stream(client: httpx.Client, path: str, last: str | None = None) -> Iterator[Iterator[Event]]:
    """Open a stream and give its messages."""
    headers = {"Accept": "text/event-stream"} | ({"Last-Event-ID": last} if last else {})
    with client.stream("GET", path, headers=headers) as answer:
        assert answer.status_code == 200, answer.read()
        assert answer.headers["content-type"].startswith("text/event-stream")
        yield messages(answer.iter_lines())


def messages(lines: Iterator[str]) -> Iterator[Event]:
    event: Event = {}
    for line in lines:
        if line:
            name, _, value = line.partition(": ")
            event[name] = value
        else:
            if "data" in event:
                yield event | json.loads(event["data"])
            event = {}


def test_a_stream_brings_what_was_said_and_what_is_said(
    live: httpx.Client, database: psycopg.Connection[Any], redis_url: str
) -> None:
    conversation = say(live).json()
    with stream(live, events_of(conversation)) as events:
        first = next(events)
        assert (first["id"], first["from"], first["text"]) == (
            conversation["message_id"],
            "visitor",
            "Do you fix boilers?",
        )
        assert first["event"] == "message"
        assert first["correlation_id"] == conversation["correlation_id"]

        answer_id = reply(database, conversation, "Yes, we do.\nOf all makes.")
        with redis.Redis.from_url(redis_url) as worker:
            worker.publish(f"gatehouse:thread:{conversation['conversation_id']}", "1")
        second = next(events)
    assert (second["id"], second["from"], second["text"]) == (answer_id, "business", "Yes, we do.\nOf all makes.")


def test_a_stream_goes_on_where_the_last_one_ended(live: httpx.Client, database: psycopg.Connection[Any]) -> None:
    conversation = say(live).json()
    first, second = (reply(database, conversation, text) for text in ("one", "two"))

    with stream(live, events_of(conversation), last=conversation["message_id"]) as events:
        assert [next(events)["id"], next(events)["id"]] == [first, second]
    with stream(live, events_of(conversation), last=first) as events:
        assert next(events)["id"] == second
    for unknown in ("nonsense", str(uuid4())):
        with stream(live, events_of(conversation), last=unknown) as events:
            assert next(events)["id"] == conversation["message_id"]


def test_without_a_signal_the_database_is_looked_at(live: httpx.Client, database: psycopg.Connection[Any]) -> None:
    conversation = say(live).json()
    with stream(live, events_of(conversation), last=conversation["message_id"]) as events:
        answer_id = reply(database, conversation, "Nobody said that I came.")
        assert next(events)["id"] == answer_id


def test_a_conversation_has_only_so_many_streams(live: httpx.Client) -> None:
    conversation = say(live).json()
    path = events_of(conversation)

    def open_and(rest: int) -> None:
        with stream(live, path) as events:
            next(events)
            if rest:
                open_and(rest - 1)
                return
            refused = live.get(path)
            assert refused.status_code == 429
            assert refused.headers["retry-after"] == "10"
            other = say(live).json()
            with stream(live, events_of(other)) as others:
                next(others)

    open_and(OPEN_OF_CONVERSATION - 1)
    eventually(lambda: _opens(live, path), what="Room after the streams ended")


def _opens(live: httpx.Client, path: str) -> bool:
    with live.stream("GET", path) as answer:
        return answer.status_code == 200


def test_polling_brings_the_same(client: AppClient, database: psycopg.Connection[Any]) -> None:
    conversation = say(client).json()
    path = events_of(conversation) + "&wait=0"

    whole = client.get(path).json()
    assert [message["id"] for message in whole["messages"]] == [conversation["message_id"]]
    assert whole["last_event_id"] == conversation["message_id"]
    assert client.get(f"{path}&after={whole['last_event_id']}").json() == whole | {"messages": []}

    answer_id = reply(database, conversation, "Yes.")
    rest = client.get(f"{path}&after={whole['last_event_id']}").json()
    assert [message["id"] for message in rest["messages"]] == [answer_id]
    assert rest["last_event_id"] == answer_id


def test_polling_may_wait_for_the_answer(live: httpx.Client, database: psycopg.Connection[Any]) -> None:
    conversation = say(live).json()
    answer_id = reply(database, conversation, "Yes.")
    path = f"{events_of(conversation)}&wait=10&after={conversation['message_id']}"

    assert [message["id"] for message in live.get(path).json()["messages"]] == [answer_id]


def test_the_token_goes_as_a_bearer_too(client: AppClient) -> None:
    conversation = say(client).json()
    path = f"/api/widget/events/{conversation['conversation_id']}?wait=0"
    bearer = {"Authorization": f"Bearer {conversation['conversation_token']}"}

    assert len(client.get(path, headers=bearer).json()["messages"]) == 1


def test_nobody_reads_anothers_thread(client: AppClient, settings: Settings) -> None:
    mine, theirs = say(client, "My own question").json(), say(client, "A secret of somebody else").json()
    foreign = settings.model_copy(update={"secret_key": type(settings.secret_key)("another-key-" * 4)})
    with AppClient(create_app(foreign)) as other:
        forged = say(other).json()["conversation_token"]
    token = theirs["conversation_token"]
    answers = [
        client.get(f"/api/widget/events/{theirs['conversation_id']}?wait=0&token={wrong}")
        for wrong in (mine["conversation_token"], "", "nonsense", token[:-1], token + "x", forged, "é")
    ]
    answers.append(client.get(f"/api/widget/events/{uuid4()}?wait=0&token={token}"))
    answers.append(client.get(f"/api/widget/events/{theirs['conversation_id']}"))

    assert {answer.status_code for answer in answers} == {403}
    assert not any("secret" in answer.text for answer in answers)
    # With their own tokens both see their own thread alone.
    assert [len(client.get(f"{events_of(each)}&wait=0").json()["messages"]) for each in (mine, theirs)] == [1, 1]


def test_a_token_of_another_bot_is_refused(client: AppClient, database: psycopg.Connection[Any]) -> None:
    conversation = say(client).json()
    database.execute(
        "INSERT INTO bots (id, org_id, client_id, name, allowed_origins) SELECT %s, org_id, client_id, 'Second',"
        " allowed_origins FROM bots WHERE id = '01930000-0000-7000-8000-000000000003'",
        [second := uuid4()],
    )
    answer = client.post(
        f"/api/widget/chat/01930000-0000-7000-8000-000000000002/{second}",
        json={
            "text": "Hello",
            "idempotency_key": str(uuid4()),
            "conversation_token": conversation["conversation_token"],
        },
    )
    assert answer.status_code == 403


def test_a_disabled_bots_conversations_are_closed(client: AppClient, database: psycopg.Connection[Any]) -> None:
    conversation = say(client).json()
    database.execute("UPDATE bots SET enabled = false")

    def closed() -> bool:
        return client.get(f"{events_of(conversation)}&wait=0").status_code == 403

    eventually(closed, within=10, what="The end of what is remembered of the bot")
