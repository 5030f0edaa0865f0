"""A visitor's messages: each stored once with its job, whatever the browser repeats."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from api.app import create_app
from migrations.seeds import demo, test
from tests.api.widget.conftest import CHAT, CONFIG, say
from tests.support.app_client import AppClient

if TYPE_CHECKING:
    import psycopg

    from config.settings import Settings

pytestmark = pytest.mark.integration


def counts(database: psycopg.Connection[Any]) -> tuple[int, ...]:
    row = database.execute(
        "SELECT (SELECT count(*) FROM contacts), (SELECT count(*) FROM conversations),"
        " (SELECT count(*) FROM messages), (SELECT count(*) FROM jobs)"
    ).fetchone()
    assert row is not None
    return tuple(row)


def test_a_bot_says_how_it_looks(client: AppClient) -> None:
    answer = client.get(CONFIG)

    assert answer.status_code == 200
    assert answer.json() == {
        "name": "Harbor Plumbing",
        "greeting": "Hi! Ask me about our services, prices or opening hours.",
        "accent_color": "#0b5fff",
        "client_name": "Harbor Plumbing",
    }


@pytest.mark.parametrize(
    ("client_id", "bot_id"),
    [
        (demo.CLIENT_ID, uuid4()),
        (uuid4(), demo.BOT_ID),
        (test.CLIENT_ID, demo.BOT_ID),  # both exist, but not together
    ],
)
def test_an_unknown_bot_is_nowhere(client: AppClient, client_id: object, bot_id: object) -> None:
    for answer in (
        client.get(f"/api/widget/config/{client_id}/{bot_id}"),
        client.post(f"/api/widget/chat/{client_id}/{bot_id}", json={"text": "Hello", "idempotency_key": str(uuid4())}),
        client.options(f"/api/widget/chat/{client_id}/{bot_id}"),
    ):
        assert answer.status_code == 404
        assert "detail" not in answer.json()


def test_a_disabled_bot_is_nowhere(client: AppClient, database: psycopg.Connection[Any]) -> None:
    database.execute("UPDATE bots SET enabled = false WHERE id = %s", [demo.BOT_ID])

    assert client.get(CONFIG).status_code == 404
    assert say(client).status_code == 404
    assert counts(database) == (0, 0, 0, 0)


def test_a_first_message_makes_contact_conversation_message_and_job(
    client: AppClient, database: psycopg.Connection[Any]
) -> None:
    answer = say(client, "  Do you fix boilers? 🙂 ")

    assert answer.status_code == 202
    taken = answer.json()
    assert set(taken) == {"conversation_id", "message_id", "correlation_id", "conversation_token"}
    row = database.execute(
        "SELECT m.id::text, m.correlation_id::text, m.conversation_id::text, m.body, m.channel, m.org_id, v.bot_id,"
        " m.address = c.address, j.args ->> 'address' = c.address, j.correlation_id = m.correlation_id"
        " FROM messages m JOIN conversations v ON v.id = m.conversation_id JOIN contacts c ON c.id = v.contact_id"
        " JOIN jobs j ON j.kind = 'conversations.process'"
    ).fetchone()
    assert row == (
        taken["message_id"],
        taken["correlation_id"],
        taken["conversation_id"],
        "Do you fix boilers? 🙂",
        "web",
        demo.ORGANIZATION_ID,
        demo.BOT_ID,
        True,
        True,
        True,
    )
    assert counts(database) == (1, 1, 1, 1)


def test_the_next_message_goes_on_with_the_conversation(client: AppClient, database: psycopg.Connection[Any]) -> None:
    first = say(client).json()
    second = say(client, "And on Sundays?", token=first["conversation_token"])

    assert second.status_code == 202
    assert second.json()["conversation_id"] == first["conversation_id"]
    assert counts(database) == (1, 1, 2, 2)


def test_repeats_are_stored_once_and_get_the_same_ids(client: AppClient, database: psycopg.Connection[Any]) -> None:
    key, next_key = uuid4(), uuid4()
    first, again = say(client, key=key).json(), say(client, key=key).json()
    token = again["conversation_token"]
    second, second_again = (say(client, "And on Sundays?", token=token, key=next_key).json() for _ in range(2))

    ids = ("conversation_id", "message_id", "correlation_id")
    assert [first[name] for name in ids] == [again[name] for name in ids]
    assert [second[name] for name in ids] == [second_again[name] for name in ids]
    assert counts(database) == (1, 1, 2, 2)


def test_a_first_message_repeated_at_the_same_time_starts_one_conversation(
    client: AppClient, database: psycopg.Connection[Any]
) -> None:
    key, ready = uuid4(), threading.Barrier(6)

    def send(_: int) -> tuple[int, str]:
        ready.wait()
        answer = say(client, key=key)
        return answer.status_code, answer.json()["message_id"]

    with ThreadPoolExecutor(6) as pool:
        answers = set(pool.map(send, range(6)))

    assert len(answers) == 1
    assert counts(database) == (1, 1, 1, 1)


def test_a_key_is_for_one_text(client: AppClient, database: psycopg.Connection[Any]) -> None:
    key = uuid4()
    say(client, "Do you fix boilers?", key=key)

    answer = say(client, "Something else", key=key)

    assert answer.status_code == 409
    assert answer.json()["detail"] == "The idempotency key was used for another text."
    assert counts(database) == (1, 1, 1, 1)


@pytest.mark.parametrize(
    "body",
    [
        {"text": "", "idempotency_key": str(uuid4())},
        {"text": "   ", "idempotency_key": str(uuid4())},
        {"text": "\x00", "idempotency_key": str(uuid4())},
        {"text": "x" * 2001, "idempotency_key": str(uuid4())},
        {"text": 5, "idempotency_key": str(uuid4())},
        {"text": "Hello"},
        {"text": "Hello", "idempotency_key": "1"},
        # An id that could be guessed would let somebody else into the conversation.
        {"text": "Hello", "idempotency_key": "00000000-0000-0000-0000-000000000000"},
        {"text": "Hello", "idempotency_key": str(uuid4()), "conversation_id": str(uuid4())},
        ["Hello"],
    ],
)
def test_what_is_not_a_message_is_refused_without_a_trace(
    client: AppClient, database: psycopg.Connection[Any], body: object
) -> None:
    answer = client.post(CHAT, json=body)

    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert counts(database) == (0, 0, 0, 0)


def test_half_a_character_is_refused(client: AppClient, database: psycopg.Connection[Any]) -> None:
    content = f'{{"text": "\\ud800", "idempotency_key": "{uuid4()}"}}'
    answer = client.post(CHAT, content=content, headers={"content-type": "application/json"})

    assert answer.status_code == 422
    assert counts(database) == (0, 0, 0, 0)


def test_too_many_messages_are_told_when_to_come_again(client: AppClient) -> None:
    token = say(client).json()["conversation_token"]
    answers = [say(client, f"message {number}", token=token) for number in range(22)]

    assert [answer.status_code for answer in answers] == [202] * 20 + [429] * 2
    assert answers[-1].headers["content-type"] == "application/problem+json"
    assert 0 < int(answers[-1].headers["retry-after"]) <= 60
    # Another visitor at the same address may still write.
    assert say(client).status_code == 202


def test_without_redis_nothing_is_counted_and_everything_is_taken(
    settings: Settings, database: psycopg.Connection[Any]
) -> None:
    cut = settings.model_copy(
        update={name: type(settings.redis_url)("redis://127.0.0.1:1/0") for name in ("redis_url", "broker_url")}
    )
    with AppClient(create_app(cut)) as client:
        token = say(client).json()["conversation_token"]
        answers = [say(client, f"message {number}", token=token).status_code for number in range(25)]

    assert answers == [202] * 25
    assert counts(database) == (1, 1, 26, 26)
