"""A message that a provider took and that failed later is sent again where that may help, and never twice at once."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import ClassVar, Final
from uuid import UUID

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from sqlalchemy import text

from domain.delivery.policy import meaning
from domain.delivery.receipts import Receipt, Taking, take_receipt
from domain.delivery.states import tried_again
from domain.queue.outcome import Done, Snooze
from tests.domain.delivery.conftest import Desk, open_desk
from tests.support.databases import Databases
from tests.support.delivery_faults import Meanwhile
from tests.support.twilio_api import Hang

pytestmark = pytest.mark.integration


def report(desk: Desk, delivery: UUID, status: str, code: str | None = None, *, try_number: int = -1) -> Taking:
    """Report a status of the message of a try."""
    attempt = desk.attempts(delivery)[try_number]
    return take_receipt(desk.database, Receipt(attempt["provider_id"], status, code, attempt["id"]))


def let_waits_end(desk: Desk, delivery: UUID) -> None:
    """Make what failed late have failed long ago."""
    desk.connection.execute(
        "UPDATE notification_logs SET finished_at = finished_at - interval '2 days' WHERE delivery_id = %s", [delivery]
    )


def failed_once(desk: Desk, code: str, status: str = "undelivered") -> UUID:
    """Send a delivery whose first try then fails, and return its id."""
    delivery = desk.ask()
    desk.run(delivery)
    report(desk, delivery, status, code)
    return delivery


@pytest.mark.parametrize(
    ("code", "least", "most"),
    [
        ("30003", timedelta(minutes=5), timedelta(minutes=5)),
        ("30008", timedelta(minutes=5), timedelta(minutes=5)),
        ("30017", timedelta(minutes=1), timedelta(minutes=1)),
        ("30022", timedelta(minutes=1), timedelta(minutes=1)),
        ("30023", timedelta(minutes=1), timedelta(hours=25)),
        ("30036", timedelta(minutes=5), timedelta(minutes=5)),
    ],
)
def test_a_message_that_failed_late_is_sent_again_after_a_while(
    desk: Desk, code: str, least: timedelta, most: timedelta
) -> None:
    delivery = failed_once(desk, code)
    row, job = desk.delivery(delivery), desk.jobs("delivery.send")[-1]
    assert (row["state"], row["provider_id"], row["error_code"]) == ("pending", None, code)
    assert (desk.outcomes(delivery), job["state"]) == (["failed"], "scheduled")
    wait = job["run_at"] - datetime.now(UTC)
    assert least - timedelta(seconds=20) <= wait <= most

    early = desk.run(delivery)
    assert isinstance(early, Snooze)
    assert abs(early.until - job["run_at"]) < timedelta(seconds=1)

    let_waits_end(desk, delivery)
    assert desk.run(delivery) == Done()
    first, second = desk.attempts(delivery)
    assert (first["outcome"], first["error_code"], second["outcome"]) == ("failed", code, "accepted")
    assert first["provider_id"] == desk.twilio.messages[0].sid
    row = desk.delivery(delivery)
    assert (row["state"], row["provider_id"], row["error_code"]) == ("accepted", desk.twilio.messages[1].sid, None)


def test_tries_that_fail_late_come_to_an_end_and_are_told_of_once(desk: Desk) -> None:
    delivery = failed_once(desk, "30003")
    for _ in range(2):
        let_waits_end(desk, delivery)
        assert desk.jobs("delivery.failed") == []
        desk.run(delivery)
        report(desk, delivery, "undelivered", "30003")

    row = desk.delivery(delivery)
    assert (row["state"], desk.outcomes(delivery)) == ("undelivered", ["failed", "failed", "accepted"])
    assert row["provider_id"] == desk.twilio.messages[2].sid
    report(desk, delivery, "failed", "30003")
    assert [job["args"] for job in desk.jobs("delivery.failed")] == [{"delivery_id": str(delivery)}]
    assert isinstance(desk.run(delivery), Done) if desk.job(delivery)["state"] == "scheduled" else True
    assert len(desk.twilio.messages) == 3


@pytest.mark.parametrize("code", ["30005", "30007", "21610", None])
def test_what_would_fail_again_is_not_sent_again(desk: Desk, code: str | None) -> None:
    delivery = desk.ask()
    desk.run(delivery)
    report(desk, delivery, "failed", code)

    assert (desk.delivery(delivery)["state"], len(desk.jobs("delivery.failed"))) == ("failed", 1)
    assert desk.job(delivery)["state"] == "completed"


def test_reports_of_an_old_try_leave_the_new_one_alone(desk: Desk) -> None:
    delivery = failed_once(desk, "30003")
    let_waits_end(desk, delivery)
    desk.run(delivery)
    report(desk, delivery, "sent")
    for status, code in (("sent", None), ("failed", "30005"), ("delivered", None)):
        report(desk, delivery, status, code, try_number=0)

    row = desk.delivery(delivery)
    assert (row["state"], row["provider_id"]) == ("sent", desk.twilio.messages[1].sid)
    assert desk.jobs("delivery.failed") == []


def test_what_was_delivered_after_all_is_not_sent_again(desk: Desk) -> None:
    delivery = failed_once(desk, "30008")
    report(desk, delivery, "delivered")
    let_waits_end(desk, delivery)

    assert isinstance(desk.run(delivery), Done)
    assert (desk.delivery(delivery)["state"], len(desk.twilio.messages)) == ("delivered", 1)


def test_a_worse_report_ends_what_waited_for_its_next_try(desk: Desk) -> None:
    delivery = failed_once(desk, "30008", "failed")
    report(desk, delivery, "undelivered", "30005")

    assert isinstance(desk.run(delivery), Done)
    assert (desk.delivery(delivery)["state"], len(desk.twilio.messages)) == ("undelivered", 1)


def test_a_failure_that_is_reported_before_the_answer_is_recorded_leads_to_the_next_try(desk: Desk) -> None:
    delivery = desk.ask()

    def fail() -> None:
        (attempt,) = desk.attempts(delivery)
        take_receipt(desk.database, Receipt(desk.twilio.messages[0].sid, "undelivered", "30003", attempt["id"]))

    assert isinstance(desk.run(delivery, provider=Meanwhile(desk.provider, after=fail)), Snooze)
    assert (desk.outcomes(delivery), desk.delivery(delivery)["state"]) == (["failed"], "pending")
    assert isinstance(desk.run(delivery), Snooze)

    let_waits_end(desk, delivery)
    assert desk.run(delivery) == Done()
    assert len(desk.twilio.messages) == 2


def test_a_try_that_failed_is_not_taken_for_the_next_one_whose_answer_was_lost(desk: Desk) -> None:
    delivery = failed_once(desk, "30008")
    let_waits_end(desk, delivery)
    desk.twilio.will(Hang())
    desk.run(delivery)
    desk.wait(30)

    assert desk.run(delivery) == Done()
    assert desk.outcomes(delivery) == ["failed", "not_sent", "accepted"]
    assert len(desk.twilio.messages) == 2


def test_a_message_whose_time_is_over_is_not_sent_again(desk: Desk) -> None:
    delivery = desk.ask()
    desk.run(delivery)
    desk.connection.execute("UPDATE deliveries SET expires_at = now() + interval '3 minutes'")
    report(desk, delivery, "undelivered", "30003")

    assert desk.delivery(delivery)["state"] == "undelivered"
    assert len(desk.jobs("delivery.failed")) == 1


REPORTS: Final = [
    ("queued", None),
    ("sent", None),
    ("delivered", None),
    ("undelivered", "30003"),
    ("failed", "30017"),
    ("undelivered", "30005"),
    ("failed", "21610"),
]
_RECIPIENTS = count(1)


class DeliveryMachine(RuleBasedStateMachine):
    """One delivery: its job runs, time passes, and any of its tries is reported about, in any order."""

    desk: ClassVar[Desk]

    def __init__(self) -> None:
        super().__init__()
        self.to = f"+1500777{next(_RECIPIENTS):04d}"
        self.delivery = self.desk.ask(to=self.to)
        self.delivered = False
        self.reports: dict[str, list[str | None]] = {}

    @precondition(lambda self: self.desk.job(self.delivery)["state"] not in ("completed", "cancelled"))
    @rule()
    def run_job(self) -> None:
        self.desk.run(self.delivery)

    @rule()
    def time_passes(self) -> None:
        let_waits_end(self.desk, self.delivery)

    @precondition(lambda self: self.tries())
    @rule(data=st.data())
    def report_something(self, data: st.DataObject) -> None:
        number = data.draw(st.integers(0, len(self.tries()) - 1))
        status, code = data.draw(st.sampled_from(REPORTS))
        if report(self.desk, self.delivery, status, code, try_number=number) == "recorded":
            self.reports.setdefault(str(self.tries()[number]["id"]), []).append(code)

    @invariant()
    def a_try_follows_only_one_that_failed(self) -> None:
        *earlier, _ = [*self.tries(), None]
        sent = [message.sid for message in self.desk.twilio.messages if message.to == self.to]
        assert sent == [one["provider_id"] for one in earlier]
        for one in earlier[:-1]:
            codes = [code for code in self.reports[str(one["id"])] if code is not None]
            assert any(tried_again(meaning(int(code))) for code in codes)

    @invariant()
    def what_was_delivered_stays_delivered(self) -> None:
        state = self.desk.delivery(self.delivery)["state"]
        assert state == "delivered" or not self.delivered
        self.delivered = state == "delivered"

    @invariant()
    def what_is_to_be_sent_has_a_job(self) -> None:
        if self.desk.delivery(self.delivery)["state"] == "pending":
            states = [job["state"] for job in self.jobs()]
            assert {"scheduled", "available", "retryable"} & set(states)

    def tries(self) -> list[dict[str, object]]:
        return [one for one in self.desk.attempts(self.delivery) if one["provider_id"] is not None]

    def jobs(self) -> list[dict[str, object]]:
        return [job for job in self.desk.jobs("delivery.send") if job["args"]["delivery_id"] == str(self.delivery)]

    def teardown(self) -> None:
        self.desk.connection.execute("DELETE FROM opt_outs")


@pytest.fixture(scope="module")
def shared_desk(databases: Databases) -> Iterator[Desk]:
    """Open one desk for all runs of the machine."""
    with databases.migrated() as urls:
        yield from open_desk(urls)


def test_whatever_is_reported_a_try_is_made_only_after_the_last_one_failed(shared_desk: Desk) -> None:
    DeliveryMachine.desk = shared_desk
    limits = settings(max_examples=30, stateful_step_count=15, deadline=None)
    run_state_machine_as_test(DeliveryMachine, settings=limits)


def test_reports_that_race_with_the_answer_neither_block_nor_lose_anything(desk: Desk) -> None:
    deliveries = [desk.ask(to=f"+1500888{number:04d}") for number in range(24)]
    runs = {delivery: desk.claim(delivery) for delivery in deliveries}

    def send(delivery: UUID) -> None:
        desk.send(runs[delivery], provider=Meanwhile(desk.provider, after=lambda: reports.append(tell(delivery))))

    def tell(delivery: UUID) -> Future[Taking]:
        # On a connection of its own: the desk's serves one thread at a time.
        return reporters.submit(undelivered, delivery)

    def undelivered(delivery: UUID) -> Taking:
        with desk.database.platform_scope() as session:
            found = session.scalars(text("SELECT id FROM notification_logs WHERE delivery_id = :id"), {"id": delivery})
            receipt = Receipt("SM" + delivery.hex, "undelivered", "30003", found.one())
        return take_receipt(desk.database, receipt)

    reports: list[Future[Taking]] = []
    with ThreadPoolExecutor(6) as reporters, ThreadPoolExecutor(6) as senders:
        list(senders.map(send, deliveries))
        assert [report.result() for report in reports] == ["recorded"] * len(deliveries)

    for delivery in deliveries:
        assert (desk.delivery(delivery)["state"], desk.outcomes(delivery)) == ("pending", ["failed"])
        assert desk.job(delivery)["state"] == "scheduled"
