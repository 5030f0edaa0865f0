"""Messages of which nothing is reported are asked about, and come to an end."""

from __future__ import annotations

from uuid import UUID

import psycopg
import pytest

from domain.delivery.means import Means
from domain.delivery.messages import PollDeliveries
from domain.delivery.poll import BATCH, poll_deliveries
from domain.kernel.ids import PLATFORM_ORG_ID
from domain.queue.claim import claim
from domain.queue.enqueue import enqueue
from domain.queue.outcome import Done
from domain.queue.run import Run
from tests.domain.delivery.conftest import PUBLIC_URL, Desk
from tests.support.twilio_api import Reject, Sent

pytestmark = pytest.mark.integration


@pytest.fixture
def sent(desk: Desk) -> tuple[UUID, Sent]:
    """Send a delivery, and let 13 hours pass without a report."""
    delivery = desk.ask()
    desk.run(delivery)
    age(desk, 13)
    return delivery, desk.twilio.messages[0]


def age(desk: Desk, hours: int) -> None:
    """Make all deliveries as old as if that much time had passed."""
    desk.connection.execute(
        "UPDATE deliveries SET updated_at = updated_at - make_interval(hours => %(h)s),"
        " looked_up_at = looked_up_at - make_interval(hours => %(h)s)",
        {"h": hours},
    )


def poll(desk: Desk) -> str:
    """Run the poll once and return its note."""
    with desk.database.platform_scope() as session:
        job_id = enqueue(session, PollDeliveries(), org_id=PLATFORM_ORG_ID)
    info = desk.connection.info
    with psycopg.connect(info.dsn, password=info.password, autocommit=True) as connection:
        (claimed,) = claim(connection, desk.worker_id, [job_id])
    means = Means(desk.provider, desk.email, desk.health, desk.clock, PUBLIC_URL, desk.unsubscribe)
    run = Run(claimed, desk.database)
    outcome = poll_deliveries(PollDeliveries(), run, means, desk.database)
    with desk.database.platform_scope() as session:
        run.finish(session, outcome)
    assert isinstance(outcome, Done)
    return outcome.note


def test_a_message_that_arrived_is_found_out(desk: Desk, sent: tuple[UUID, Sent]) -> None:
    sent[1].status = "delivered"
    assert poll(desk) == "Asked about 1."
    assert desk.delivery(sent[0])["state"] == "delivered"
    assert desk.health.came_to == ["answered", "answered"]
    assert poll(desk) == "Asked about 0."


def test_a_failure_has_the_consequences_of_a_receipt(desk: Desk, sent: tuple[UUID, Sent]) -> None:
    sent[1].status, sent[1].error_code = "undelivered", 21610
    poll(desk)
    assert desk.delivery(sent[0])["state"] == "undelivered"
    assert [source for _, source in desk.opted_out()] == ["provider"]
    assert len(desk.jobs("delivery.failed")) == 1


def test_a_message_that_failed_late_is_sent_again(desk: Desk, sent: tuple[UUID, Sent]) -> None:
    sent[1].status, sent[1].error_code = "undelivered", 30003
    poll(desk)
    assert (desk.delivery(sent[0])["state"], desk.outcomes(sent[0])) == ("pending", ["failed"])
    assert desk.job(sent[0])["state"] == "scheduled"


def test_what_moved_lately_is_not_asked_about(desk: Desk) -> None:
    desk.run(desk.ask())
    assert poll(desk) == "Asked about 0."
    age(desk, 11)
    assert poll(desk) == "Asked about 0."


def test_what_is_still_on_its_way_is_asked_about_every_half_day_and_then_closed(
    desk: Desk, sent: tuple[UUID, Sent]
) -> None:
    sent[1].status = "sent"
    assert poll(desk) == "Asked about 1."
    assert poll(desk) == "Asked about 0."
    for _ in range(6):
        age(desk, 13)
        poll(desk)

    row = desk.delivery(sent[0])
    assert (row["state"], row["closed_at"] is None) == ("sent", False)
    assert row["error_text"] == "It was sent; the carrier never said whether it arrived."
    assert desk.jobs("delivery.failed") == []
    age(desk, 13)
    assert poll(desk) == "Asked about 0."


def test_what_never_left_the_provider_has_failed(desk: Desk, sent: tuple[UUID, Sent]) -> None:
    age(desk, 72)
    poll(desk)
    row = desk.delivery(sent[0])
    assert (row["state"], row["error_text"]) == (
        "undelivered",
        "The provider took it and has not sent it for three days; it was not delivered.",
    )
    assert len(desk.jobs("delivery.failed")) == 1


def test_a_message_that_the_provider_knows_no_more_is_closed(desk: Desk, sent: tuple[UUID, Sent]) -> None:
    desk.twilio.forget(sent[1])
    assert poll(desk) == "Asked about 1."
    row = desk.delivery(sent[0])
    assert (row["state"], row["closed_at"] is None) == ("accepted", False)
    assert "does not know this message" in row["error_text"]


def test_a_provider_that_does_not_answer_is_left_alone(desk: Desk, sent: tuple[UUID, Sent]) -> None:
    desk.run(desk.ask())
    age(desk, 13)
    desk.twilio.refuse_lists(Reject(20503, 503))
    assert poll(desk) == "Asked about 0; the provider is not to be asked now."
    assert len([request for request in desk.twilio.requests if request.method == "GET"]) == 1
    assert desk.delivery(sent[0])["closed_at"] is None


def test_a_client_whose_calls_are_held_is_passed_over(desk: Desk, sent: tuple[UUID, Sent]) -> None:
    desk.health.hold(desk.clock.now())
    assert poll(desk) == "Asked about 1."
    assert [request.method for request in desk.twilio.requests] == ["POST"]
    assert desk.delivery(sent[0])["state"] == "accepted"


def test_more_than_a_batch_is_asked_about_once_each(desk: Desk) -> None:
    many = [desk.ask(f"Text {number}") for number in range(BATCH + 3)]
    for delivery in many:
        desk.run(delivery)
    age(desk, 13)
    assert poll(desk) == f"Asked about {BATCH + 3}."


def test_an_email_of_which_no_event_comes_is_closed(desk: Desk) -> None:
    delivery = desk.ask()
    desk.connection.execute(
        "UPDATE deliveries SET channel = 'email', state = 'accepted', provider = 'ses', provider_id = 'x'"
    )
    age(desk, 73)
    poll(desk)
    row = desk.delivery(delivery)
    assert (row["state"], row["error_text"]) == ("accepted", "No report of its arrival came.")
