"""What a receiver missed is sent again when somebody asks, each event once however often they ask."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from domain.audit.record import Actor
from domain.kernel.ids import new_id
from domain.queue.message import decode
from domain.queue.outcome import Cancel, Done, Outcome, Retry, Snooze
from domain.webhooks import replay
from domain.webhooks.errors import EndpointDisabledError, SendNotFoundError, UnfitEndpointError
from domain.webhooks.events import EventType
from domain.webhooks.messages import ReplayEvents
from domain.webhooks.replay import PAGE, PAGES_A_RUN, Range, Replay, replay_events, replay_range, replay_send
from domain.webhooks.wire import new_secret
from migrations.seeds.demo import CLIENT_ID, ORGANIZATION_ID

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from domain.webhooks.models import Send
    from tests.support.webhook_house import House
    from tests.support.webhook_receiver import Receiver

pytestmark = pytest.mark.integration
ACTOR = Actor("ada", "operator")
AN_HOUR = timedelta(hours=1)
SECRET = new_secret()


def again(house: House, send_id: UUID) -> Send:
    with house.database.platform_scope() as session:
        return replay_send(session, send_id, house.means, ACTOR)


def ask(house: House, endpoint_id: UUID, *, types: Sequence[str] = (), only_missed: bool = True) -> Replay:
    now = house.clock.now()
    which = Range(now - AN_HOUR, now + AN_HOUR, types, only_missed)
    with house.database.platform_scope() as session:
        return replay_range(session, endpoint_id, which, ACTOR)


def work(house: House, asked: Replay) -> Outcome:
    run = house.claim(asked.job_id)
    outcome = replay_events(decode(ReplayEvents, run.claimed.args), run, house.clock)
    assert run.ended is outcome
    return outcome


def states(house: House) -> list[tuple[int, str]]:
    return [(send["replay"], send["state"]) for send in house.sends()]


def test_one_event_is_sent_again_under_its_id(house: House, receiver: Receiver) -> None:
    house.endpoint(url=receiver.url(), secret=SECRET)
    house.emit()
    house.run()
    new = again(house, house.sends()[0]["id"])
    assert (new.replay, new.state) == (1, "pending")
    assert house.run(1) == Done()
    first, second = receiver.received
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert second.verified(SECRET) == first.verified(SECRET)
    assert states(house) == [(0, "delivered"), (1, "delivered")]


def test_a_repeated_click_sends_once(house: House) -> None:
    house.endpoint()
    house.emit()
    (send,) = house.sends()
    assert again(house, send["id"]).id == send["id"]
    house.connection.execute("UPDATE webhook_sends SET state = 'failed'")
    first = again(house, send["id"])
    assert again(house, send["id"]).id == first.id
    assert again(house, first.id).id == first.id
    assert states(house) == [(0, "failed"), (1, "pending")]
    assert len(house.jobs()) == 2
    acts = house.rows("SELECT action FROM admin_audit_logs")
    assert [act["action"] for act in acts] == ["webhook_send.replay"]


def test_one_that_waits_for_its_next_try_is_tried_at_once(house: House, receiver: Receiver) -> None:
    house.endpoint(url=receiver.url())
    house.emit()
    receiver.will(404)
    assert isinstance(house.run(), Retry)
    again(house, house.sends()[0]["id"])
    assert states(house) == [(0, "cancelled"), (1, "pending")]
    assert house.run(1) == Done()
    assert house.run(0) == Done("It is cancelled already.")
    assert len(receiver.received) == 2


def test_one_whose_worker_died_is_not_stuck(house: House, receiver: Receiver) -> None:
    house.endpoint(url=receiver.url())
    house.emit()
    (send,) = house.sends()
    house.connection.execute("UPDATE jobs SET state = 'dead' WHERE kind = 'webhooks.send'")
    house.wait(timedelta(minutes=3))
    again(house, send["id"])
    assert house.run(1) == Done()
    assert states(house) == [(0, "cancelled"), (1, "delivered")]


def test_one_that_is_being_called_is_left_to_it(house: House, receiver: Receiver) -> None:
    house.endpoint(url=receiver.url())
    house.emit()
    (send,) = house.sends()
    seen: list[UUID] = []
    receiver.will(lambda _handler: seen.append(again(house, send["id"]).id))
    house.run()
    assert seen == [send["id"]]


def test_nothing_is_replayed_to_an_endpoint_that_is_disabled(house: House) -> None:
    endpoint_id = house.endpoint()
    house.emit()
    house.connection.execute("UPDATE webhook_endpoints SET enabled = false")
    with pytest.raises(EndpointDisabledError):
        again(house, house.sends()[0]["id"])
    with pytest.raises(EndpointDisabledError):
        ask(house, endpoint_id)
    with pytest.raises(SendNotFoundError):
        again(house, new_id())


def test_of_a_time_that_was_missed_each_event_is_sent_once(house: House) -> None:
    endpoint_id = house.endpoint(["message.received", "reply.sent"])
    for event_type in (EventType.MESSAGE_RECEIVED, EventType.REPLY_SENT, EventType.LEAD_CAPTURED):
        house.emit(event_type)
    house.connection.execute("UPDATE webhook_endpoints SET enabled = false")
    house.emit()
    house.connection.execute("UPDATE webhook_endpoints SET enabled = true")
    house.emit()
    first, second, _ = (send["id"] for send in house.sends())
    house.connection.execute("UPDATE webhook_sends SET state = 'delivered' WHERE id = %s", [first])
    house.connection.execute("UPDATE webhook_sends SET state = 'failed' WHERE id = %s", [second])
    # Delivered: no. Failed: yes. No subscription: no. Missed while disabled: yes. Pending: no.
    asked = ask(house, endpoint_id)
    assert asked.events == 2
    assert ask(house, endpoint_id).job_id == asked.job_id
    assert work(house, asked) == Done()
    assert states(house) == [(0, "delivered"), (0, "failed"), (0, "pending"), (1, "pending"), (0, "pending")]
    assert {job["priority"] for job in house.jobs()[3:]} == {replay.REPLAY_PRIORITY}
    assert work(house, ask(house, endpoint_id)) == Done()
    assert len(house.sends()) == 5


def test_a_type_that_was_not_subscribed_can_be_asked_for_and_what_was_delivered_too(house: House) -> None:
    endpoint_id = house.endpoint(["message.received"])
    house.emit(EventType.LEAD_CAPTURED)
    house.emit()
    house.connection.execute("UPDATE webhook_sends SET state = 'delivered'")
    assert ask(house, endpoint_id).events == 0
    assert ask(house, endpoint_id, only_missed=False).events == 1
    assert ask(house, endpoint_id, types=["lead.captured"]).events == 1
    everything = ask(house, endpoint_id, types=["lead.captured", "message.received"], only_missed=False)
    assert everything.events == 2
    assert work(house, everything) == Done()
    assert states(house) == [(0, "delivered"), (0, "pending"), (1, "pending")]
    # The same job again, as after a crash: what it made is not made twice, delivered or not.
    house.connection.execute("UPDATE webhook_sends SET state = 'delivered'")
    house.connection.execute("UPDATE jobs SET state = 'available' WHERE id = %s", [everything.job_id])
    assert work(house, everything) == Done()
    assert len(house.sends()) == 3


def test_an_endpoint_of_a_client_gets_that_clients_events_alone(house: House) -> None:
    endpoint_id = house.endpoint(client_id=CLIENT_ID, enabled=False)
    house.emit(client_id=CLIENT_ID)
    house.emit(client_id=None)
    house.connection.execute("UPDATE webhook_endpoints SET enabled = true")
    assert ask(house, endpoint_id).events == 1


def test_a_long_replay_is_made_page_by_page_and_survives_being_cut_off(house: House) -> None:
    endpoint_id = house.endpoint(enabled=False)
    count = PAGE * PAGES_A_RUN + 7
    house.connection.execute(
        "INSERT INTO webhook_events (id, org_id, type, payload, occurred_at)"
        " SELECT gen_random_uuid(), %s, 'reply.sent', '{}', now() FROM generate_series(1, %s)",
        [ORGANIZATION_ID, count],
    )
    house.connection.execute("UPDATE webhook_endpoints SET enabled = true")
    asked = ask(house, endpoint_id)
    assert asked.events == count
    assert isinstance(work(house, asked), Snooze)
    made = len(house.sends())
    assert made == PAGE * PAGES_A_RUN
    # Some of them were delivered meanwhile; that must not make room for them again.
    house.connection.execute("UPDATE webhook_sends SET state = 'delivered' WHERE replay = 0")
    assert work(house, asked) == Done()
    assert len({send["event_id"] for send in house.sends()}) == len(house.sends()) == count
    assert len(house.jobs()) == count


def test_a_replay_stops_when_the_endpoint_is_disabled(house: House) -> None:
    endpoint_id = house.endpoint(enabled=False)
    house.emit()
    house.connection.execute("UPDATE webhook_endpoints SET enabled = true")
    asked = ask(house, endpoint_id)
    house.connection.execute("UPDATE webhook_endpoints SET enabled = false")
    assert isinstance(work(house, asked), Cancel)
    assert house.sends() == []


def test_a_range_that_makes_no_sense_is_refused_in_words(house: House) -> None:
    endpoint_id = house.endpoint()
    now = house.clock.now()
    for which, words in (
        (Range(now, now), "end after it begins"),
        (Range(now.replace(tzinfo=None), now), "time zone"),
        (Range(now - AN_HOUR, now, ["webhook.test"]), "There is no event 'webhook.test'"),
    ):
        with house.database.platform_scope() as session, pytest.raises(UnfitEndpointError, match=words):
            replay_range(session, endpoint_id, which, ACTOR)
