"""A dry run says what would happen, and that is what happens."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from domain.conversations.accept import ACCEPT, Inbound, parameters
from domain.deadletters.fates import Fate, Forecast
from domain.deadletters.forecast import forecast
from domain.delivery.opt_outs import record_opt_out
from domain.delivery.request import NewDelivery, request_delivery
from domain.kernel.ids import new_id
from domain.queue.dead import PAGE, DeadFilter
from domain.queue.outcome import Dead
from migrations.seeds import apply
from migrations.seeds.demo import CLIENT_ID, ORGANIZATION_ID
from tests.support.queue_kinds import Note
from tests.support.queue_lab import Lab
from tests.support.queue_lab import lab as open_lab
from tests.support.tenant_rows import TenantIds, insert

if TYPE_CHECKING:
    from domain.delivery.request import Purpose
    from tests.support.databases import DatabaseUrls

pytestmark = pytest.mark.integration

CUSTOMER = "+15005550123"
NOON = datetime(2026, 11, 20, 18, tzinfo=UTC)
"""Noon at the demo client."""


@dataclass
class Desk:
    """Dead letters of the demo client, and what may have happened since."""

    lab: Lab

    def reply(self, *, purpose: Purpose = "reply", direct_reply: bool = True, to: str = CUSTOMER) -> UUID:
        """Leave a text that died on the way; return the delivery."""
        new = NewDelivery(
            org_id=ORGANIZATION_ID, client_id=CLIENT_ID, purpose=purpose, channel="sms", to_address=to,
            body="We come at nine.", direct_reply=direct_reply,
        )  # fmt: skip
        with self.lab.database.tenant_scope(ORGANIZATION_ID) as session:
            delivery_id = request_delivery(session, new)
        self._die(self.lab.value("SELECT id FROM jobs WHERE args ->> 'delivery_id' = %s", str(delivery_id)))
        return delivery_id

    def message(self, address: str = CUSTOMER) -> None:
        """Leave a customer's text that died before it was answered."""
        inbound = Inbound(
            org_id=ORGANIZATION_ID, client_id=CLIENT_ID, channel="sms", address=address, body="Hello",
            external_id=str(new_id()),
        )  # fmt: skip
        self.lab.connection.execute(ACCEPT, parameters([inbound], direct=False))
        self._die(inbound.job_id)

    def opt_out(self, address: str = CUSTOMER) -> None:
        with self.lab.database.tenant_scope(ORGANIZATION_ID) as session:
            record_opt_out(
                session, org_id=ORGANIZATION_ID, client_id=CLIENT_ID, channel="sms", address=address, source="operator"
            )

    def forecast(self, which: DeadFilter | None = None, *, now: datetime = NOON) -> Forecast:
        with self.lab.database.platform_scope() as session:
            return forecast(session, which or DeadFilter(), now=now)

    def fates(self, *, now: datetime = NOON) -> dict[Fate, int]:
        return dict(self.forecast(now=now).fates)

    def _die(self, job_id: UUID) -> None:
        assert self.lab.end(self.lab.run(job_id), Dead("no", "Rejected"))


@pytest.fixture
def desk(database_urls: DatabaseUrls) -> Iterator[Desk]:
    apply(database_urls.platform, "demo")
    with open_lab(database_urls) as lab:
        yield Desk(lab)


def test_what_nothing_stands_against_would_run(desk: Desk) -> None:
    desk.reply()
    desk.message()
    assert desk.fates() == {Fate.RUNS: 2}
    assert desk.forecast().words() == "2 would run."


def test_contacts_that_opted_out_since_are_counted(desk: Desk) -> None:
    desk.reply()
    desk.reply(to="+15005550124")
    desk.message()
    desk.opt_out()
    assert desk.fates() == {Fate.RUNS: 1, Fate.OPTED_OUT: 2}
    assert desk.forecast().words() == "1 would run; 2 are for contacts that have since opted out."


def test_a_stop_that_nobody_has_processed_counts_as_well(desk: Desk) -> None:
    desk.reply()
    desk.message()
    desk.lab.execute("UPDATE messages SET consent = 'stop'")
    assert desk.fates() == {Fate.OPTED_OUT: 2}


def test_a_paused_client_is_told_with_its_reason(desk: Desk) -> None:
    desk.reply()
    desk.message()
    desk.opt_out()
    desk.lab.execute("UPDATE clients SET outbound_paused = true")
    found = desk.forecast()
    assert dict(found.fates) == {Fate.CLIENT_BLOCKED: 2}
    assert found.blocked_clients == {CLIENT_ID}
    assert found.words().startswith("0 would run; 2 are of a client that the gate stops (")


def test_quiet_hours_put_off_what_nobody_waits_for(desk: Desk) -> None:
    desk.lab.execute("UPDATE client_settings SET quiet_hours_start = '00:00', quiet_hours_end = '23:59'")
    desk.reply(direct_reply=False, purpose="fallback")
    desk.reply(direct_reply=True)
    assert desk.fates() == {Fate.WAITS: 1, Fate.RUNS: 1}


def test_without_ai_a_message_gets_the_fallback_and_a_composed_reply_is_not_sent(desk: Desk) -> None:
    desk.reply()
    desk.message()
    desk.lab.execute("UPDATE clients SET ai_disabled = true")
    assert desk.fates() == {Fate.CLIENT_BLOCKED: 1, Fate.RUNS: 1}


@pytest.mark.parametrize(
    ("change", "fate"),
    [
        ("provider_id = 'SM1', state = 'delivered'", Fate.DELIVERED),
        ("state = 'cancelled'", Fate.CANCELLED),
        ("state = 'unknown'", Fate.LOOKED_UP),
        ("expires_at = '2026-11-20T17:59Z'", Fate.EXPIRED),
        ("expires_at = '2026-11-20T18:01Z'", Fate.RUNS),
        ("id = gen_random_uuid()", Fate.GONE),
    ],
)
def test_what_became_of_a_delivery_meanwhile_is_told(desk: Desk, change: str, fate: Fate) -> None:
    desk.reply()
    desk.lab.execute(f"UPDATE deliveries SET {change}")  # noqa: S608  # words of the test
    assert desk.fates() == {fate: 1}


@pytest.mark.parametrize(
    ("state", "enabled", "fate"),
    [
        ("pending", True, Fate.RUNS),
        ("pending", False, Fate.CANCELLED),
        ("cancelled", True, Fate.CANCELLED),
        ("delivered", True, Fate.DELIVERED),
        ("failed", True, Fate.ENDED),
    ],
)
def test_what_became_of_a_webhook_call_meanwhile_is_told(desk: Desk, state: str, *, enabled: bool, fate: Fate) -> None:
    with desk.lab.connect() as connection:
        tenant = TenantIds.new()
        for table in ("organizations", "clients", "webhook_endpoints", "webhook_events", "webhook_sends"):
            insert(connection, table, tenant)
    desk.lab.execute("UPDATE webhook_sends SET state = %s", state)
    desk.lab.execute("UPDATE webhook_endpoints SET enabled = %s", enabled)
    args = {"send_id": str(tenant.send)}
    desk.lab.backlog(tenant.org, 1, state="dead", kind="webhooks.send", args=args)
    assert desk.fates() == {fate: 1}


def test_a_message_that_was_answered_meanwhile_is_told(desk: Desk) -> None:
    desk.message()
    desk.lab.execute("UPDATE messages SET processed_at = now()")
    assert desk.fates() == {Fate.ANSWERED: 1}


def test_a_conversation_that_a_person_has_taken_over_is_told(desk: Desk) -> None:
    desk.message()
    desk.lab.execute(
        "INSERT INTO contacts (id, org_id, client_id, channel, address) VALUES (%s, %s, %s, 'sms', %s)",
        contact := new_id(),
        ORGANIZATION_ID,
        CLIENT_ID,
        CUSTOMER,
    )
    desk.lab.execute(
        "INSERT INTO conversations (id, org_id, client_id, contact_id, channel, taken_over_until)"
        " VALUES (%s, %s, %s, %s, 'sms', %s)",
        new_id(),
        ORGANIZATION_ID,
        CLIENT_ID,
        contact,
        NOON + timedelta(hours=1),
    )
    assert desk.fates() == {Fate.TAKEN_OVER: 1}
    assert desk.fates(now=NOON + timedelta(hours=1)) == {Fate.RUNS: 1}


def test_letters_that_cannot_run_are_told_apart(desk: Desk) -> None:
    lab = desk.lab
    lab.backlog(ORGANIZATION_ID, 4, state="dead", kind="gone.kind")
    lab.backlog(ORGANIZATION_ID, 2, state="dead", kind="delivery.send", args={"delivery_id": "seven"})
    lab.backlog(ORGANIZATION_ID, 3, state="dead")
    older, newer, held = lab.backlog(ORGANIZATION_ID, 3, state="dead")
    lab.execute("UPDATE jobs SET unique_key = 'k' WHERE id IN (%s, %s)", older, newer)
    lab.execute("UPDATE jobs SET unique_key = 'l' WHERE id = %s", held)
    lab.enqueue(Note(), org_id=ORGANIZATION_ID, unique_key="l")
    assert desk.fates() == {
        Fate.UNKNOWN_KIND: 4,
        Fate.UNREADABLE: 2,
        Fate.RUNS: 4,
        Fate.SUPERSEDED: 1,
        Fate.LIVE_TWIN: 1,
    }
    assert desk.forecast().words() == (
        "4 would run; 1 has a live twin; 1 gives way to a newer one of the same key; "
        "4 are of kinds that this release does not know; 2 have arguments that this release can't read."
    )


def test_a_paused_queue_is_told(desk: Desk) -> None:
    desk.reply()
    desk.lab.execute("UPDATE queues SET paused_at = now() WHERE name = 'outbound'")
    assert desk.forecast().words() == "1 would run; the queue outbound is paused."


def test_a_selection_is_forecast_alone_and_nothing_is_changed(desk: Desk) -> None:
    desk.reply()
    desk.lab.backlog(ORGANIZATION_ID, PAGE + 5, state="dead")
    before = desk.lab.rows("SELECT id, state, xmin FROM jobs ORDER BY id")
    assert desk.fates() == {Fate.RUNS: PAGE + 6}
    assert dict(desk.forecast(DeadFilter(kind="delivery.send")).fates) == {Fate.RUNS: 1}
    assert desk.forecast(DeadFilter(ids=[])).words() == "No dead letter fits that."
    assert desk.lab.rows("SELECT id, state, xmin FROM jobs ORDER BY id") == before
