"""A tenant's endpoints are told of a chat: what came in, what was answered, and who did."""

from __future__ import annotations

from typing import Any

import pytest

from domain.audit.record import Actor
from domain.conversations.takeover import Person, Replied, reply_as_person
from domain.kernel.ids import new_id
from migrations.seeds.demo import CLIENT_ID, ORGANIZATION_ID
from tests.domain.conversations.conftest import House

pytestmark = pytest.mark.integration
VISITOR = "visitor-1"


@pytest.fixture
def listened_to(house: House) -> House:
    """Give a house whose tenant has an endpoint for everything."""
    with house.database.tenant_scope(ORGANIZATION_ID) as session:
        session.connection().exec_driver_sql(
            "INSERT INTO webhook_endpoints (id, org_id, url, events, sealed_secret)"
            " VALUES (%s, %s, 'https://example.com', '{*}', 'a')",
            (new_id(), ORGANIZATION_ID),
        )
    return house


def told(house: House) -> list[tuple[str, dict[str, Any]]]:
    rows = house.rows("SELECT type, payload, client_id FROM webhook_events ORDER BY occurred_at, id")
    assert {row["client_id"] for row in rows} <= {CLIENT_ID}
    return [(row["type"], row["payload"]) for row in rows]


def test_a_web_chat_is_told_of_with_its_reply(listened_to: House) -> None:
    message = listened_to.receive("hello", "web", VISITOR)
    listened_to.handle(message)
    events = dict(told(listened_to))
    assert set(events) == {"message.received", "reply.sent"}
    received, sent = events["message.received"], events["reply.sent"]
    assert (received["text"], received["channel"], received["address"]) == ("hello", "web", VISITOR)
    assert received["outcome"] == "answered"
    (reply,) = listened_to.replies()
    assert (sent["message_id"], sent["text"], sent["purpose"]) == (str(reply["id"]), reply["body"], "reply")
    assert sent["conversation_id"] == received["conversation_id"]


def test_of_a_text_the_reply_is_told_of_when_it_leaves(listened_to: House) -> None:
    listened_to.handle(listened_to.receive("hello"))
    assert [event_type for event_type, _ in told(listened_to)] == ["message.received"]


def test_a_persons_reply_in_a_web_chat_is_told_of_once(listened_to: House) -> None:
    listened_to.handle(listened_to.receive("hello", "web", VISITOR))
    (conversation,) = listened_to.rows("SELECT id FROM conversations")
    person = Person(Actor("dana", "operator"))
    for _ in range(2):
        with listened_to.database.tenant_scope(ORGANIZATION_ID) as session:
            replied = reply_as_person(
                session, conversation["id"], "Dana here.", person, clock=listened_to.clock, key="one"
            )
        assert isinstance(replied, Replied)
    new = told(listened_to)[2:]
    assert [event_type for event_type, _ in new] == ["reply.sent", "conversation.taken_over"]
    assert (new[0][1]["text"], new[0][1]["purpose"]) == ("Dana here.", "person")
