"""Whatever happens on the way, and in whatever order: a delivery reaches the provider at most once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from enum import Enum, auto
from itertools import count
from typing import Final
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.delivery.receipts import Receipt, take_receipt
from domain.queue.finish import RunLostError
from tests.domain.delivery.conftest import Desk, open_desk
from tests.support.databases import Databases
from tests.support.delivery_faults import Meanwhile, WorkerDied, die
from tests.support.twilio_api import AcceptThenDrop, AcceptThenFail, AcceptThenHang, Behaviour, Hang, Reject

pytestmark = pytest.mark.integration


class Event(Enum):
    """What happens at one run of the job."""

    ACCEPT = auto()
    BUSY = auto()
    BUSY_FOR_A_WHILE = auto()
    REQUEST_LOST = auto()
    ANSWER_LOST = auto()
    CONNECTION_LOST = auto()
    SERVER_ERROR = auto()
    DIES_BEFORE_THE_CALL = auto()
    DIES_AFTER_THE_CALL = auto()
    RUN_LOST_DURING_THE_CALL = auto()
    LISTS_FAIL = auto()
    SENDER_REFUSED = auto()
    REPORTED_MEANWHILE = auto()


BEHAVIOURS: Final[dict[Event, Behaviour]] = {
    Event.BUSY: Reject(20429, 429, retry_after="3"),
    Event.BUSY_FOR_A_WHILE: Reject(21611, 400),
    Event.SENDER_REFUSED: Reject(21606, 400),
    Event.REQUEST_LOST: Hang(),
    Event.ANSWER_LOST: AcceptThenHang(),
    Event.CONNECTION_LOST: AcceptThenDrop(),
    Event.SERVER_ERROR: AcceptThenFail(),
}
_RECIPIENTS = count(1)


@pytest.fixture(scope="module")
def desk(databases: Databases) -> Iterator[Desk]:
    """Open one desk for all examples."""
    with databases.migrated() as urls:
        yield from open_desk(urls)


def one_run(desk: Desk, delivery: UUID, event: Event) -> None:
    """Run the job once while `event` happens, and bring it back if its worker died."""
    run = desk.claim(delivery)
    desk.connection.execute("UPDATE sender_flags SET probe_at = now()")
    before: dict[Event, Callable[[], None]] = {Event.DIES_BEFORE_THE_CALL: die}
    after: dict[Event, Callable[[], None]] = {
        Event.DIES_AFTER_THE_CALL: die,
        Event.RUN_LOST_DURING_THE_CALL: lambda: desk.lose(run),
        Event.REPORTED_MEANWHILE: lambda: reported(desk, delivery),
    }
    provider = Meanwhile(desk.provider, before=before.get(event), after=after.get(event))
    desk.twilio.behave([BEHAVIOURS[event]] if event in BEHAVIOURS else [])
    desk.twilio.refuse_lists(Reject(20503, 503) if event is Event.LISTS_FAIL else None)
    try:
        desk.send(run, provider=provider)
    except WorkerDied:
        desk.lose(run)
    except RunLostError:
        assert event is Event.RUN_LOST_DURING_THE_CALL


def reported(desk: Desk, delivery: UUID) -> None:
    """Have Twilio report the newest message before its answer is on record."""
    attempt = desk.attempts(delivery)[-1]
    take_receipt(desk.database, Receipt(desk.twilio.messages[-1].sid, "sent", None, attempt["id"]))


@settings(max_examples=40, deadline=None)
@given(
    events=st.lists(st.tuples(st.sampled_from(Event), st.sampled_from([0, 10, 40])), max_size=7),
    keep_queued=st.booleans(),
)
def test_a_delivery_reaches_the_provider_at_most_once(
    desk: Desk, *, events: list[tuple[Event, int]], keep_queued: bool
) -> None:
    to = f"+1500666{next(_RECIPIENTS):04d}"
    delivery = desk.ask(to=to)
    desk.twilio.keep_queued(keep_queued)
    for event, seconds in [*events, *[(Event.ACCEPT, 40)] * 4]:
        if desk.job(delivery)["state"] in ("completed", "dead"):
            break
        one_run(desk, delivery, event)
        desk.wait(seconds)

    messages = [message for message in desk.twilio.messages if message.to == to]
    row, job = desk.delivery(delivery), desk.job(delivery)
    assert len(messages) <= 1
    if job["state"] == "completed":
        assert row["state"] in ("accepted", "sent")
        assert row["provider_id"] == messages[0].sid
        assert desk.outcomes(delivery).count("accepted") == 1
    else:
        assert (job["state"], row["state"]) == ("dead", "failed")
    assert set(desk.outcomes(delivery)) <= {"accepted", "rejected", "not_sent", "unknown"}
