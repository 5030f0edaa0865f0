"""Receipts: once each, in any order, with their consequences."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import permutations
from uuid import UUID

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from domain.delivery.receipts import Receipt, Taking, take_receipt
from domain.kernel.ids import new_id
from domain.queue.outcome import Cancel, Done
from tests.domain.delivery.conftest import CUSTOMER, Desk, open_desk
from tests.support.databases import Databases
from tests.support.twilio_api import AcceptThenHang

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def shared_desk(databases: Databases) -> Iterator[Desk]:
    """Open one desk for all examples of a property."""
    with databases.migrated() as urls:
        yield from open_desk(urls)


def sent(desk: Desk, body: str = "We open at 8.") -> UUID:
    """Send a delivery and return its id."""
    delivery = desk.ask(body)
    desk.run(delivery)
    return delivery


def report(desk: Desk, delivery: UUID, status: str, code: str | None = None, *, by_attempt: bool = True) -> Taking:
    """Report a status of the delivery's message."""
    attempt = desk.attempts(delivery)[-1]
    provider_id = attempt["provider_id"] or "SM" + delivery.hex
    return take_receipt(desk.database, Receipt(provider_id, status, code, attempt["id"] if by_attempt else None))


def test_receipts_bring_a_delivery_to_its_end(desk: Desk) -> None:
    delivery = sent(desk)
    states = []
    for status in ("queued", "sending", "sent", "delivered"):
        assert report(desk, delivery, status) == "recorded"
        states.append(desk.delivery(delivery)["state"])
    assert states == ["accepted", "accepted", "sent", "delivered"]


def test_a_repeated_receipt_changes_nothing(desk: Desk) -> None:
    delivery = sent(desk)
    report(desk, delivery, "undelivered", "30003")
    before = desk.delivery(delivery)

    assert report(desk, delivery, "undelivered", "30005") == "repeated"
    assert desk.delivery(delivery) == before


def test_a_late_receipt_does_not_take_a_delivery_back(desk: Desk) -> None:
    delivery = sent(desk)
    report(desk, delivery, "delivered")
    assert report(desk, delivery, "sent") == "recorded"
    assert desk.delivery(delivery)["state"] == "delivered"


def test_a_failure_says_why_in_words(desk: Desk) -> None:
    delivery = sent(desk)
    report(desk, delivery, "undelivered", "30006")
    row = desk.delivery(delivery)
    assert (row["state"], row["error_code"]) == ("undelivered", "30006")
    assert row["error_text"] == "The recipient's number is a landline, or its carrier can't be reached."


def test_an_opt_out_that_is_reported_later_is_an_opt_out(desk: Desk) -> None:
    delivery = sent(desk)
    report(desk, delivery, "failed", "21610")
    assert desk.opted_out() == [(CUSTOMER, "provider")]
    assert isinstance(desk.run(desk.ask()), Cancel)


def test_a_receipt_without_its_attempt_is_found_by_the_providers_id(desk: Desk) -> None:
    delivery = sent(desk)
    assert report(desk, delivery, "delivered", by_attempt=False) == "recorded"
    assert desk.delivery(delivery)["state"] == "delivered"


def test_a_receipt_of_nobodys_message_is_not_kept(desk: Desk) -> None:
    assert take_receipt(desk.database, Receipt("SM" + "f" * 32, "sent", None, new_id())) == "unknown"
    assert take_receipt(desk.database, Receipt("SM" + "f" * 32, "sent", None, None)) == "unknown"


def test_a_receipt_proves_an_attempt_of_which_nothing_was_known(desk: Desk) -> None:
    delivery = desk.ask()
    desk.twilio.will(AcceptThenHang())
    desk.run(delivery)
    assert report(desk, delivery, "failed", "30007") == "recorded"

    (attempt,) = desk.attempts(delivery)
    assert (attempt["outcome"], attempt["provider_id"]) == ("accepted", "SM" + delivery.hex)
    assert desk.delivery(delivery)["state"] == "failed"
    # It failed after it was taken, so it is not sent again.
    assert isinstance(desk.run(delivery), Done)
    assert len(desk.twilio.messages) == 1


def test_receipts_that_come_at_once_are_each_kept_once(desk: Desk) -> None:
    delivery = sent(desk)
    statuses = ["queued", "sent", "delivered"] * 4
    with ThreadPoolExecutor(len(statuses)) as pool:
        takings = list(pool.map(lambda status: report(desk, delivery, status), statuses))

    assert sorted(takings) == ["recorded"] * 3 + ["repeated"] * 9
    assert desk.delivery(delivery)["state"] == "delivered"


REPORTS = st.lists(
    st.sampled_from(
        [
            ("queued", None),
            ("sending", None),
            ("sent", None),
            ("delivered", None),
            ("undelivered", "30003"),
            ("failed", "30008"),
            ("failed", "30005"),
            ("failed", "30034"),
            ("undelivered", "21610"),
            ("canceled", None),
            ("a_new_word", None),
        ]
    ),
    min_size=2,
    max_size=4,
    unique_by=lambda report: report[0],
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(reports=REPORTS)
@example(reports=[("failed", "30005"), ("canceled", None)])
def test_receipts_in_any_order_and_number_lead_to_one_end(
    shared_desk: Desk, reports: list[tuple[str, str | None]]
) -> None:
    ends = set()
    for order in list(permutations(reports))[:6]:
        delivery = sent(shared_desk)
        for status, code in [*order, order[0]]:
            report(shared_desk, delivery, status, code)
        row = shared_desk.delivery(delivery)
        (attempt,) = shared_desk.attempts(delivery)
        opted_out = shared_desk.opted_out()
        has_id = row["provider_id"] is not None
        ends.add((row["state"], row["error_code"], row["error_text"], has_id, attempt["outcome"], len(opted_out)))
        shared_desk.connection.execute("DELETE FROM opt_outs")
        shared_desk.connection.execute("DELETE FROM sender_flags")
        shared_desk.age(delivery)
    assert len(ends) == 1
