"""The platform's kill switches at the instant of sending, in the decisions and for as long as they are thrown."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from domain.audit.record import Actor
from domain.flags.change import Change, change_flag
from domain.flags.definitions import AI_STOPPED, OUTBOUND_STOPPED, Definition
from domain.flags.ports import Target
from domain.queue.outcome import Cancel, Done
from migrations.seeds.demo import ORGANIZATION_ID
from providers.flags.process import ProcessFlags
from tests.support.eventually import eventually

if TYPE_CHECKING:
    from domain.delivery.request import Purpose
    from tests.domain.delivery.conftest import Desk
    from tests.support.databases import DatabaseUrls

pytestmark = pytest.mark.integration
CUSTOMER, OWNER = "+15005550001", "+15005550010"
OPERATOR = Actor("ann", "operator")


@pytest.fixture
def flags(desk: Desk, database_urls: DatabaseUrls, redis_url: str) -> Iterator[ProcessFlags]:
    """Let the desk's transactions go by real flags, as a worker's do."""
    flags = ProcessFlags(database_urls.platform, redis_url)
    flags.serve(desk.database)
    flags.start()
    with closing(flags):
        yield flags


def _throw(desk: Desk, flags: ProcessFlags, switch: Definition, change: Change) -> None:
    before = flags.boolean(switch.key, default=False, org_id=ORGANIZATION_ID)
    with desk.database.platform_scope() as session:
        change_flag(session, switch.key, change, OPERATOR)
    eventually(lambda: flags.boolean(switch.key, default=False, org_id=ORGANIZATION_ID) is not before, within=1)


@pytest.mark.parametrize(
    ("purpose", "to"), [("reply", CUSTOMER), ("fallback", CUSTOMER), ("person", CUSTOMER), ("owner_alert", OWNER)]
)
def test_what_waits_is_stopped_when_everything_outbound_is(
    desk: Desk, flags: ProcessFlags, purpose: Purpose, to: str
) -> None:
    delivery = desk.ask(purpose=purpose, to=to)
    run = desk.claim(delivery)
    _throw(desk, flags, OUTBOUND_STOPPED, Change(default=True))
    outcome = desk.send(run)
    assert isinstance(outcome, Cancel)
    assert (desk.twilio.requests, desk.delivery(delivery)["state"]) == ([], "cancelled")
    decision = desk.decisions(delivery)[-1]
    assert (decision["guard"], decision["block"]) == ("platform_outbound", "hard")
    assert decision["inputs"]["platform_outbound_stopped"] is True
    assert decision["reason"] == "Everything outbound is stopped on the platform."
    _throw(desk, flags, OUTBOUND_STOPPED, Change(default=False))
    assert desk.run(desk.ask(purpose=purpose, to=to)) == Done()


def test_stopping_the_ai_stops_composed_replies_and_lets_fallbacks_pass(desk: Desk, flags: ProcessFlags) -> None:
    reply, fallback = desk.ask(), desk.ask(purpose="fallback")
    _throw(desk, flags, AI_STOPPED, Change(targets=[Target(True, ORGANIZATION_ID, percentage=100)]))  # noqa: FBT003
    assert isinstance(desk.run(reply), Cancel)
    decision = desk.decisions(reply)[-1]
    assert (decision["guard"], decision["block"]) == ("platform_ai", "soft")
    assert desk.run(fallback) == Done()
