"""What waits for a provider comes back spread out by how much there is, and a little at once."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from domain.delivery.spreading import COUNTED, FEW, LONGEST, WAKES_PER_SECOND, spread, widest_spread
from domain.kernel.ids import new_id
from domain.queue.outcome import Snooze
from migrations.seeds.demo import CLIENT_ID, ORGANIZATION_ID
from tests.domain.delivery.conftest import Desk

pytestmark = pytest.mark.integration


def pile_up(desk: Desk, count: int, state: str = "pending") -> None:
    """Give the client so many deliveries to different people."""
    desk.connection.execute(
        "INSERT INTO deliveries (id, org_id, client_id, purpose, channel, to_address, body, direct_reply, state)"
        " SELECT gen_random_uuid(), %s, %s, 'reply', 'sms', '+1500' || (5600000 + n), 'Hi', true, %s"
        " FROM generate_series(1, %s) n",
        [ORGANIZATION_ID, CLIENT_ID, state, count],
    )


def waits(desk: Desk, until: datetime, times: int = 8) -> list[timedelta]:
    """Run one held delivery several times; return how long after `until` it was put off to each time."""
    desk.health.hold(until)
    delivery = desk.ask()
    outcomes = [desk.run(delivery) for _ in range(times)]
    return [outcome.until - until for outcome in outcomes if isinstance(outcome, Snooze)]


def test_many_that_a_provider_holds_do_not_come_back_at_once(desk: Desk) -> None:
    pile_up(desk, COUNTED)
    found = waits(desk, desk.clock.now() + timedelta(seconds=10))
    assert len(set(found)) == len(found) == 8
    assert timedelta(0) <= min(found) <= max(found) < LONGEST
    assert max(found) > LONGEST / 20


def test_a_few_that_a_provider_holds_come_back_when_it_is_asked_again(desk: Desk) -> None:
    pile_up(desk, FEW - 1)
    pile_up(desk, COUNTED, "delivered")
    assert waits(desk, desk.clock.now() + timedelta(seconds=10), times=2) == [timedelta(0)] * 2


def test_the_backlog_of_one_client_spreads_its_own_deliveries_alone(desk: Desk) -> None:
    pile_up(desk, 2 * FEW)
    with desk.database.tenant_scope(ORGANIZATION_ID) as session:
        assert all(spread(session, CLIENT_ID) > timedelta(0) for _ in range(8))
        assert spread(session, new_id()) == timedelta(0)


def test_the_spread_grows_with_the_backlog_and_ends() -> None:
    widths = [widest_spread(count) for count in range(0, COUNTED + 2, 50)]
    assert widths == sorted(widths)
    assert widest_spread(FEW) == timedelta(0)
    assert widest_spread(500) == timedelta(seconds=500 / WAKES_PER_SECOND)
    assert widest_spread(COUNTED) == widest_spread(COUNTED + 1) == LONGEST
