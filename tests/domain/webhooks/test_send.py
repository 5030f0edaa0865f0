"""A receiver is told of every event at least once, for as long as it takes and no longer than is sensible."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from standardwebhooks import WebhookVerificationError

from domain.kernel.ids import new_id
from domain.queue.finish import RunLostError
from domain.queue.outcome import Cancel, Done, Outcome, Retry, Snooze
from domain.webhooks.events import EventType
from domain.webhooks.policy import RETRY_WAITS, SEND_TRIES
from domain.webhooks.wire import new_secret
from migrations.seeds.demo import CLIENT_ID
from tests.support.webhook_receiver import answering, silent

if TYPE_CHECKING:
    from tests.support.webhook_house import House
    from tests.support.webhook_receiver import Handler, Receiver

pytestmark = pytest.mark.integration
SECRET = new_secret()
DISABLE_AFTER = timedelta(hours=72)
"""The default of the setting."""
AN_HOUR = timedelta(hours=1)


def test_a_receiver_gets_the_event_signed(house: House, receiver: Receiver) -> None:
    house.endpoint(url=receiver.url(), secret=SECRET)
    correlation_id = new_id()
    house.emit(EventType.REPLY_SENT, {"text": "Grüße 🎉", "n": 1}, correlation_id=correlation_id)
    assert house.run() == Done()
    (received,) = receiver.received
    (event,) = house.events()
    document = received.verified(SECRET)
    assert document == {
        "type": "reply.sent",
        "timestamp": event["occurred_at"].isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "data": {
            "client_id": str(CLIENT_ID),
            "correlation_id": str(correlation_id),
            "text": "Grüße 🎉",
            "n": 1,
        },
    }
    assert received.headers["webhook-id"] == str(event["id"])
    assert received.headers["content-type"] == "application/json"
    with pytest.raises(WebhookVerificationError):
        received.verified(new_secret())
    assert [(send["state"], send["attempts"]) for send in house.sends()] == [("delivered", 1)]
    assert [(a["attempt"], a["status"], a["error"]) for a in house.attempts()] == [(1, 204, None)]


def test_while_a_secret_is_rotated_both_verify(house: House, receiver: Receiver) -> None:
    house.endpoint(url=receiver.url(), secret=SECRET)
    older = new_secret()
    house.connection.execute(
        "UPDATE webhook_endpoints SET sealed_previous_secret = %s, previous_until = %s",
        [house.means.sealer.seal(older), house.clock.now() + timedelta(minutes=1)],
    )
    house.emit()
    house.emit()
    house.run(0)
    house.wait(timedelta(minutes=2))
    house.run(1)
    first, second = receiver.received
    first.verified(SECRET)
    first.verified(older)
    second.verified(SECRET)
    with pytest.raises(WebhookVerificationError):
        second.verified(older)


def test_what_failed_is_tried_again_with_growing_waits_under_the_same_id(house: House, receiver: Receiver) -> None:
    house.endpoint(url=receiver.url())
    house.emit()
    receiver.will(*[404] * (SEND_TRIES - 1))
    waits = []
    for _ in range(SEND_TRIES - 1):
        outcome = house.run()
        assert isinstance(outcome, Retry)
        waits.append(outcome.after)
    assert waits == list(RETRY_WAITS)
    assert house.run() == Done()
    assert len({received.headers["webhook-id"] for received in receiver.received}) == 1
    assert len({received.body for received in receiver.received}) == 1
    assert [a["status"] for a in house.attempts()] == [404] * (SEND_TRIES - 1) + [204]
    assert house.endpoints()[0]["failing_since"] is None


def test_a_send_is_given_up_after_the_last_try_and_is_no_dead_letter(house: House, receiver: Receiver) -> None:
    house.endpoint(url=receiver.url())
    house.emit()
    receiver.will(*[404] * SEND_TRIES)
    outcomes = [house.run() for _ in range(SEND_TRIES)]
    assert isinstance(outcomes[-1], Cancel)
    (send,) = house.sends()
    assert (send["state"], send["attempts"], send["reason"]) == ("failed", SEND_TRIES, "The receiver answered 404.")
    assert house.jobs()[0]["state"] == "cancelled"
    assert house.endpoints()[0]["enabled"]


def test_a_redirect_is_a_failure_that_says_so(house: House, receiver: Receiver) -> None:
    house.endpoint(url=receiver.url())
    house.emit()
    receiver.will(answering(302, Location="http://127.0.0.1:1/"))
    assert house.run() == Retry("The receiver answered 302; redirects are not followed.", RETRY_WAITS[0], "http_302")


def test_retry_after_is_obeyed(house: House, receiver: Receiver) -> None:
    house.endpoint(url=receiver.url())
    house.emit()
    house.emit()
    receiver.will(answering(429, Retry_After="3600"))
    assert house.run(0) == Retry("The receiver answered 429.", AN_HOUR, "http_429")
    other = house.run(1)
    assert isinstance(other, Snooze)
    assert other.until >= house.clock.now() + AN_HOUR
    assert len(receiver.received) == 1


def test_gone_disables_the_endpoint_at_once(house: House, receiver: Receiver) -> None:
    house.endpoint(url=receiver.url())
    house.emit()
    house.emit()
    receiver.will(410)
    assert isinstance(house.run(0), Cancel)
    (endpoint,) = house.endpoints()
    assert (endpoint["enabled"], endpoint["disabled_at"]) == (False, house.clock.now())
    assert "410" in endpoint["disabled_because"]
    assert [send["state"] for send in house.sends()] == ["cancelled", "cancelled"]
    (notice,) = house.notices()
    assert (notice["kind"], notice["subject"]) == ("webhook_disabled", str(endpoint["id"]))
    assert house.run(1) == Done("It is cancelled already.")
    assert len(receiver.received) == 1


def test_of_all_that_waits_for_an_endpoint_that_is_down_one_call_finds_out(house: House, receiver: Receiver) -> None:
    house.endpoint(url=receiver.url())
    for _ in range(3):
        house.emit()
    meanwhile: list[Outcome] = []

    def ask_for_another(handler: Handler) -> None:
        meanwhile.append(house.run(2))
        answering(503)(handler)

    receiver.will(silent, ask_for_another)
    assert isinstance(house.run(0), Retry)
    assert isinstance(house.run(1), Snooze)
    house.wait(timedelta(seconds=6))
    assert isinstance(house.run(1), Retry)
    assert isinstance(meanwhile[0], Snooze)
    assert isinstance(house.run(2), Snooze)
    assert len(receiver.received) == 2
    house.wait(timedelta(minutes=1))
    assert [house.run(number) for number in range(3)] == [Done()] * 3
    assert {send["state"] for send in house.sends()} == {"delivered"}
    # To wait used up none of its tries.
    assert (house.jobs()[2]["attempt"], house.sends()[2]["attempts"]) == (3, 1)


def test_an_event_that_a_receiver_refuses_does_not_hold_up_the_others(house: House, receiver: Receiver) -> None:
    house.endpoint(url=receiver.url())
    house.emit()
    house.emit()
    receiver.will(400)
    assert isinstance(house.run(0), Retry)
    assert house.run(1) == Done()


def test_an_endpoint_that_failed_for_days_is_disabled_with_a_notice(house: House, receiver: Receiver) -> None:
    house.endpoint(url=receiver.url())
    house.emit()
    receiver.will(*[500] * 99)
    for _ in range(SEND_TRIES):
        house.run()
        house.wait(AN_HOUR)
    assert house.endpoints()[0]["enabled"]
    house.wait(DISABLE_AFTER)
    house.emit(payload={"phone": "+15005550001"})
    house.emit()
    outcome = house.run(1)
    assert isinstance(outcome, Cancel)
    (endpoint,) = house.endpoints()
    assert not endpoint["enabled"]
    assert endpoint["disabled_because"].startswith(f"All {SEND_TRIES + 1} calls since ")
    assert [send["state"] for send in house.sends()] == ["failed", "cancelled", "cancelled"]
    (notice,) = house.notices()
    assert "2 waiting events were cancelled" in notice["words"]
    assert "127.0.0.1" not in notice["words"]
    house.emit()
    assert len(house.sends()) == 3


def test_an_endpoint_that_failed_long_ago_and_seldom_is_not_disabled(house: House, receiver: Receiver) -> None:
    house.endpoint(url=receiver.url())
    house.emit()
    receiver.will(500, 500)
    house.run()
    house.wait(DISABLE_AFTER * 2)
    assert isinstance(house.run(), Retry)
    assert house.endpoints()[0]["enabled"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("UPDATE webhook_endpoints SET enabled = false", "The endpoint is disabled."),
        ("UPDATE organizations SET status = 'suspended'", "The organization is suspended."),
    ],
)
def test_what_became_unwanted_is_not_sent(house: House, receiver: Receiver, change: str, reason: str) -> None:
    house.endpoint(url=receiver.url())
    house.emit()
    house.connection.execute(change)
    assert house.run() == Cancel(reason)
    assert receiver.received == []
    assert [(send["state"], send["reason"]) for send in house.sends()] == [("cancelled", reason)]


def test_a_second_run_of_what_was_delivered_calls_nobody(house: House, receiver: Receiver) -> None:
    house.endpoint(url=receiver.url())
    house.emit()
    house.run()
    house.connection.execute("UPDATE jobs SET state = 'available' WHERE kind = 'webhooks.send'")
    assert house.run() == Done("It is delivered already.")
    assert len(receiver.received) == 1


def test_a_worker_that_dies_after_the_call_leaves_the_event_to_be_sent_again(house: House, receiver: Receiver) -> None:
    house.endpoint(url=receiver.url(), secret=SECRET)
    house.emit()
    lost = house.claim(house.jobs()[0]["id"])
    house.connection.execute("UPDATE jobs SET state = 'available', worker_id = NULL WHERE kind = 'webhooks.send'")
    with pytest.raises(RunLostError):
        house.call(lost)
    assert [send["state"] for send in house.sends()] == ["pending"]
    assert house.run() == Done()
    first, again = receiver.received
    assert first.headers["webhook-id"] == again.headers["webhook-id"]
    assert [(a["attempt"], a["status"]) for a in house.attempts()] == [(1, None), (2, 204)]


def test_an_endpoint_deleted_meanwhile_ends_the_call_quietly(house: House, receiver: Receiver) -> None:
    house.endpoint(url=receiver.url())
    house.emit()
    running = house.claim(house.jobs()[0]["id"])

    def delete_and_fail(_handler: Handler) -> None:
        house.connection.execute("DELETE FROM webhook_endpoints")

    receiver.will(delete_and_fail)
    assert house.call(running) == Cancel("The endpoint was disabled or deleted meanwhile.")
    assert (house.sends(), house.attempts()) == ([], [])


def test_a_secret_that_cannot_be_read_is_a_failure_that_says_what_to_do(house: House, receiver: Receiver) -> None:
    house.endpoint(url=receiver.url())
    house.connection.execute("UPDATE webhook_endpoints SET sealed_secret = 'sealed by another key'")
    house.emit()
    outcome = house.run()
    assert isinstance(outcome, Retry)
    assert "Rotate the endpoint's secret" in outcome.reason
    assert receiver.received == []
