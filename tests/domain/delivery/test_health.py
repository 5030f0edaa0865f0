"""A provider's health is asked before each call, and told what came of it, whatever happens in between."""

from __future__ import annotations

import socket
from collections.abc import MutableMapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from domain.delivery.policy import SEND_TRIES
from domain.delivery.ports import CameTo
from domain.queue.finish import RunLostError
from domain.queue.outcome import Cancel, Dead, Done, Retry, Snooze
from migrations.seeds.demo import CLIENT_ID
from providers.twilio.sms import TwilioSms
from providers.twilio.transport import TwilioTransport
from tests.domain.delivery.conftest import Desk
from tests.support.delivery_faults import Meanwhile
from tests.support.twilio_api import AcceptThenDrop, Behaviour, Hang, Reject

pytestmark = pytest.mark.integration


def test_a_provider_that_is_away_is_waited_for_without_an_attempt_or_a_try(desk: Desk) -> None:
    delivery = desk.ask()
    until = datetime.now(UTC) + timedelta(minutes=2)  # Of the database's clock, which may be ahead of the desk's.
    desk.health.hold(until)

    assert desk.run(delivery) == Snooze(until, "The provider is away.")
    assert (desk.attempts(delivery), desk.delivery(delivery)["state"]) == ([], "pending")
    assert desk.health.asked == [("twilio", desk.twilio.account_sid, CLIENT_ID)]
    job = desk.job(delivery)
    assert (job["state"], job["run_at"]) == ("scheduled", until)
    assert job["max_attempts"] - job["attempt"] == 8

    desk.health.release()
    assert desk.run(delivery) == Done()


def test_a_provider_that_no_connection_can_be_made_to_is_waited_for_without_a_try(desk: Desk) -> None:
    delivery = desk.ask()
    away = unreachable()
    for _ in range(SEND_TRIES + 2):
        assert isinstance(desk.run(delivery, provider=away), Snooze)
    job = desk.job(delivery)
    assert (job["state"], job["max_attempts"] - job["attempt"]) == ("scheduled", SEND_TRIES)
    assert (desk.delivery(delivery)["state"], set(desk.health.came_to)) == ("pending", {"failed"})

    assert desk.run(delivery) == Done()
    assert len(desk.twilio.messages) == 1


def test_a_provider_that_was_away_for_a_day_is_left_to_a_person(desk: Desk) -> None:
    delivery = desk.ask()
    asked_at = desk.clock.now() - timedelta(hours=25)
    desk.connection.execute("UPDATE deliveries SET created_at = %s WHERE id = %s", [asked_at, delivery])
    outcomes = [desk.run(delivery, provider=unreachable()) for _ in range(SEND_TRIES)]
    assert [type(outcome) for outcome in outcomes] == [Retry] * (SEND_TRIES - 1) + [Dead]


def unreachable() -> TwilioSms:
    """Return an adapter whose provider takes no connection."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    return TwilioSms("AC1", "token", TwilioTransport(f"http://127.0.0.1:{port}", connect_seconds=1))


def test_what_the_gate_stops_gives_its_call_back(desk: Desk) -> None:
    delivery = desk.ask()
    desk.throw("outbound_paused = true")

    assert isinstance(desk.run(delivery), Cancel)
    assert (desk.health.under_way, desk.health.came_to) == (0, ["not_called"])


def test_what_waits_for_a_provider_fills_no_log_of_decisions(desk: Desk) -> None:
    delivery = desk.ask()
    desk.health.hold(desk.clock.now() + timedelta(seconds=10))
    for _ in range(3):
        assert isinstance(desk.run(delivery), Snooze)
    assert desk.decisions(delivery) == []

    desk.health.release()
    desk.throw("outbound_paused = true")
    assert isinstance(desk.run(delivery), Cancel)
    assert desk.decisions(delivery) != []


@pytest.mark.parametrize(
    ("behaviour", "came_to"),
    [
        (None, "answered"),
        (Reject(21211, 400), "answered"),
        (Reject(20429, 429), "throttled"),
        (Reject(None, 429), "throttled"),
        (Reject(20503, 503), "failed"),
        (AcceptThenDrop(), "failed"),
        (Hang(), "failed"),
        (Reject(20003, 401), "refused"),
    ],
)
def test_health_is_told_what_came_of_a_call(desk: Desk, behaviour: Behaviour | None, came_to: CameTo) -> None:
    desk.twilio.behave([] if behaviour is None else [behaviour])
    desk.run(desk.ask())
    assert desk.health.came_to == [came_to]


def test_a_call_that_was_not_made_is_given_back(desk: Desk) -> None:
    delivery, paused = desk.ask(), list[bool]()

    def pause(_: MutableMapping[Any, Any]) -> None:
        if not paused:
            paused.append(True)
            desk.wait(30)

    desk.database.on_commit(pause)
    assert isinstance(desk.run(delivery), Snooze)
    assert desk.health.came_to == ["not_called"]


def test_a_run_that_was_lost_settles_its_call(desk: Desk) -> None:
    delivery = desk.ask()
    run = desk.claim(delivery)
    with pytest.raises(RunLostError):
        desk.send(run, provider=Meanwhile(desk.provider, after=lambda: desk.lose(run)))
    assert desk.health.came_to == ["answered"]


def test_a_provider_that_is_away_is_not_asked_what_became_of_an_attempt(desk: Desk) -> None:
    delivery = desk.ask()
    desk.twilio.will(AcceptThenDrop())
    assert isinstance(desk.run(delivery), Retry)
    desk.wait(30)
    desk.health.hold(desk.clock.now() + timedelta(seconds=10))

    assert isinstance(desk.run(delivery), Snooze)
    assert [request.method for request in desk.twilio.requests] == ["POST"]

    desk.health.release()
    assert isinstance(desk.run(delivery), Done)
    assert (len(desk.twilio.messages), desk.health.came_to) == (1, ["failed", "answered"])
