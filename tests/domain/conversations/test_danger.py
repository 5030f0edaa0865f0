"""What happens when somebody who writes may be in danger."""

from __future__ import annotations

import pytest

from domain.conversations.danger import NOTE
from domain.conversations.messages import Channel
from domain.queue.outcome import Done
from tests.domain.conversations.conftest import CUSTOMER, House

pytestmark = pytest.mark.integration
WORDS = "I don't want to live anymore"


def test_nothing_is_composed_and_the_owner_is_told_at_once(house: House) -> None:
    house.throw("ai_disabled = true")
    house.handle(house.receive("hello", address="+15005550002"))
    assert house.handle(house.receive(WORDS)) == Done(NOTE)

    assert house.composer.asked == []
    assert house.outcomes() == ["fallback", "crisis"]
    *_, advice, alert = house.deliveries()
    assert (advice["purpose"], advice["to_address"], advice["direct_reply"]) == ("crisis", CUSTOMER, True)
    assert "call 911 now" in advice["body"]
    assert "988" in advice["body"]
    assert alert["purpose"] == "owner_alert"
    assert all(words in alert["body"] for words in ("URGENT", CUSTOMER, WORDS))
    assert [row["state"] for row in house.rows("SELECT state FROM owner_alerts ORDER BY id")] == ["sent", "sent"]


def test_a_number_elsewhere_is_not_told_to_call_911(house: House) -> None:
    house.handle(house.receive(WORDS, address="+442079460000"))

    advice, _ = house.deliveries()
    assert "local emergency number" in advice["body"]
    assert "911" not in advice["body"]


def test_a_visitor_of_the_chat_reads_it_at_once(house: House) -> None:
    house.handle(house.receive(WORDS, "web", "visitor-1"))

    (reply,) = house.replies()
    assert (reply["author"], "911" in reply["body"]) == ("system", True)
    assert house.signal.conversations == [reply["conversation_id"]]
    assert [delivery["purpose"] for delivery in house.deliveries()] == ["owner_alert"]


def test_stop_wins_over_the_advice_but_not_over_the_alert(house: House) -> None:
    house.handle(house.receive("STOP"))
    house.handle(house.receive(WORDS))

    assert house.replies() == []
    (alert,) = house.deliveries()
    assert alert["purpose"] == "owner_alert"
    assert "They got no reply." in alert["body"]


def test_a_stop_among_the_texts_is_obeyed_first(house: House) -> None:
    house.receive(WORDS)
    house.handle(house.receive("STOP"))

    assert house.outcomes() == ["suppressed", "opted_out"]
    assert [delivery["purpose"] for delivery in house.deliveries()] == ["owner_alert"]


@pytest.mark.parametrize("channel", ["sms", "web"])
def test_a_paused_client_sends_no_advice(house: House, channel: Channel) -> None:
    house.throw("outbound_paused = true")
    house.handle(house.receive(WORDS, channel))

    assert (house.replies(), house.deliveries(), house.outcomes()) == ([], [], ["suppressed"])


def test_advice_is_sent_though_a_person_is_answering(house: House) -> None:
    house.handle(house.receive("hello"))
    house.connection.execute("UPDATE conversations SET taken_over_until = now() + interval '1 hour'")
    house.handle(house.receive(WORDS))

    assert [delivery["purpose"] for delivery in house.deliveries()] == ["reply", "crisis", "owner_alert"]
