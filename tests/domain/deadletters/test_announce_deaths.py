"""Who is told of a death, of what, and how often."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import psycopg
import pytest

from domain.audit.record import Actor
from domain.conversations.accept import ACCEPT, Inbound, parameters
from domain.deadletters.announce import job_died
from domain.deadletters.customers import stranded
from domain.deadletters.operations import Request, begin
from domain.delivery.request import NewDelivery, request_delivery
from domain.kernel.clock import ManualClock
from domain.kernel.database import Database
from domain.kernel.ids import PLATFORM_ORG_ID, new_id
from domain.queue.announce import announce
from domain.queue.dead import DeadFilter
from domain.queue.message import decode
from domain.queue.messages import JOB_DIED, JobDied
from domain.queue.outcome import Dead, Done, Outcome
from migrations.seeds import apply
from migrations.seeds.demo import CLIENT_ID, ORGANIZATION_ID
from tests.support.eventually import eventually
from tests.support.queue_kinds import Note
from tests.support.queue_lab import Lab
from tests.support.queue_lab import lab as open_lab

if TYPE_CHECKING:
    from domain.delivery.request import Purpose
    from tests.support.databases import DatabaseUrls

pytestmark = pytest.mark.integration

CUSTOMER = "+15005550123"
Row = dict[str, Any]


@dataclass
class Desk:
    """The demo client's queue, and everybody who is told of its deaths."""

    lab: Lab

    @property
    def database(self) -> Database:
        return self.lab.database

    def receive(self, body: str = "My pipe burst", address: str = CUSTOMER) -> UUID:
        """Accept a text of a customer; return its job."""
        inbound = Inbound(
            org_id=ORGANIZATION_ID, client_id=CLIENT_ID, channel="sms", address=address, body=body,
            external_id=str(new_id()),
        )  # fmt: skip
        self.lab.connection.execute(ACCEPT, parameters([inbound], direct=False))
        return inbound.job_id

    def send(self, purpose: Purpose) -> tuple[UUID, UUID]:
        """Ask for a text to be sent; return the delivery and its job."""
        new = NewDelivery(
            org_id=ORGANIZATION_ID, client_id=CLIENT_ID, purpose=purpose, channel="sms", to_address=CUSTOMER,
            body="We come at nine.",
        )  # fmt: skip
        with self.database.tenant_scope(ORGANIZATION_ID) as session:
            delivery_id = request_delivery(session, new)
        (row,) = self.lab.rows("SELECT id FROM jobs WHERE args ->> 'delivery_id' = %s", str(delivery_id))
        return delivery_id, row["id"]

    def note(self, org_id: UUID = ORGANIZATION_ID) -> UUID:
        """Enqueue a job that no customer waits for."""
        if org_id == PLATFORM_ORG_ID:
            (job_id,) = self.lab.backlog(org_id, 1)
            return job_id
        return self.lab.enqueue(Note(), org_id=org_id)

    def die(self, *job_ids: UUID, reason: str = "Twilio said no to +15005550123") -> None:
        for job_id in job_ids:
            assert self.lab.end(self.lab.run(job_id), Dead(reason, "Rejected"))

    def tell(self) -> list[Outcome]:
        """Tell of all deaths."""
        with self.database.platform_scope() as session:
            announce(session)
        told = []
        for row in self.lab.rows("SELECT id FROM jobs WHERE kind = %s AND state = 'available'", JOB_DIED):
            run = self.lab.run(row["id"])
            message = decode(JobDied, run.claimed.args)
            told.append(job_died(message, run, ManualClock(datetime(2026, 11, 20, 18, tzinfo=UTC))))
        return told

    def alerts(self) -> list[Row]:
        return self.lab.rows("SELECT * FROM owner_alerts ORDER BY id")

    def notices(self) -> list[Row]:
        return self.lab.rows("SELECT * FROM operator_notices WHERE kind = 'dead_letter' ORDER BY id")

    def events(self) -> list[Row]:
        return self.lab.rows("SELECT * FROM webhook_events ORDER BY id")


@pytest.fixture
def desk(database_urls: DatabaseUrls) -> Iterator[Desk]:
    apply(database_urls.platform, "demo")
    with open_lab(database_urls) as lab:
        lab.execute(
            "INSERT INTO webhook_endpoints (id, org_id, url, events, sealed_secret)"
            " VALUES (gen_random_uuid(), %s, 'https://example.com', '{dead_letter.created}', 'a')",
            ORGANIZATION_ID,
        )
        yield Desk(lab)


def test_a_customers_message_that_died_is_told_to_all_three(desk: Desk) -> None:
    job_id = desk.receive()
    message_id = desk.lab.value("SELECT id FROM messages ORDER BY id DESC LIMIT 1")
    desk.die(job_id)
    desk.tell()
    (alert,) = desk.alerts()
    assert (alert["kind"], alert["subject"]) == ("dead_message", f"message:{message_id}")
    assert alert["summary"] == f'{CUSTOMER} wrote and could not be answered: "My pipe burst"'
    (notice,) = desk.notices()
    assert (notice["subject"], notice["count"]) == (desk.lab.job(job_id)["fingerprint"], 1)
    assert notice["words"].startswith("Jobs of kind conversations.process died: Twilio said no")
    (event,) = desk.events()
    assert (event["type"], event["client_id"]) == ("dead_letter.created", CLIENT_ID)
    assert event["payload"]["job_ids"] == [str(job_id)]
    assert event["payload"]["subject"] == f"message:{message_id}"
    assert "5550123" not in json.dumps(event["payload"]) + notice["words"]


@pytest.mark.parametrize("purpose", ["reply", "fallback"])
def test_a_reply_that_died_is_told_to_the_owner(desk: Desk, purpose: Purpose) -> None:
    delivery_id, job_id = desk.send(purpose)
    desk.die(job_id)
    desk.tell()
    (alert,) = desk.alerts()
    assert alert["subject"] == f"delivery:{delivery_id}"
    assert alert["summary"] == f'A text to {CUSTOMER} could not be sent: "We come at nine."'


def test_a_reply_of_unknown_outcome_is_told_as_such(desk: Desk) -> None:
    delivery_id, job_id = desk.send("reply")
    desk.lab.execute("UPDATE deliveries SET state = 'unknown' WHERE id = %s", delivery_id)
    desk.die(job_id)
    desk.tell()
    assert desk.alerts()[0]["summary"].startswith("Nobody can tell whether a text to ")


@pytest.mark.parametrize("state", ["failed", "undelivered", "cancelled", "delivered", "accepted"])
def test_a_delivery_that_ended_otherwise_is_not_told_twice(desk: Desk, state: str) -> None:
    delivery_id, job_id = desk.send("reply")
    desk.lab.execute("UPDATE deliveries SET state = %s WHERE id = %s", state, delivery_id)
    desk.die(job_id)
    desk.tell()
    assert desk.alerts() == []
    assert [notice["count"] for notice in desk.notices()] == [1]


def test_an_alert_to_an_owner_that_died_is_no_reason_for_another(desk: Desk) -> None:
    _, job_id = desk.send("owner_alert")
    desk.die(job_id)
    desk.tell()
    assert desk.alerts() == []


def test_a_message_that_was_answered_meanwhile_is_told_to_nobody_who_waits(desk: Desk) -> None:
    desk.die(desk.receive())
    desk.lab.execute("UPDATE messages SET processed_at = now()")
    desk.tell()
    assert desk.alerts() == []
    assert [event["payload"]["count"] for event in desk.events()] == [1]


def test_what_no_customer_waits_for_is_one_event_and_one_notice(desk: Desk) -> None:
    desk.die(*(desk.note() for _ in range(12)))
    desk.tell()
    desk.die(desk.note())
    desk.tell()
    assert [event["payload"]["count"] for event in desk.events()] == [12, 1]
    assert len(desk.events()[0]["payload"]["job_ids"]) == 10
    assert [notice["count"] for notice in desk.notices()] == [13]
    assert desk.alerts() == []


def test_the_deaths_of_webhook_calls_are_no_events(desk: Desk) -> None:
    desk.die(*desk.lab.backlog(ORGANIZATION_ID, 1, kind="webhooks.send", args={"send_id": str(new_id())}))
    desk.tell()
    assert desk.events() == []
    assert len(desk.notices()) == 1


def test_a_death_of_the_platform_is_a_notice_alone(desk: Desk) -> None:
    desk.die(desk.note(PLATFORM_ORG_ID))
    desk.tell()
    assert [notice["org_id"] for notice in desk.notices()] == [PLATFORM_ORG_ID]
    assert desk.events() == []


def test_what_was_requeued_before_the_telling_is_not_told(desk: Desk) -> None:
    job_id = desk.note()
    desk.die(job_id)
    with desk.database.platform_scope() as session:
        announce(session)
    desk.lab.execute("UPDATE jobs SET state = 'cancelled' WHERE id = %s", job_id)
    desk.tell()
    assert (desk.notices(), desk.events()) == ([], [])


def test_arguments_of_another_release_keep_nobody_from_being_told(desk: Desk) -> None:
    broken = desk.lab.backlog(ORGANIZATION_ID, 1, kind="delivery.send", args={"delivery_id": "-" * 36})
    _, job_id = desk.send("reply")
    desk.die(*broken, job_id)
    desk.tell()
    assert len(desk.alerts()) == 1
    assert [notice["count"] for notice in desk.notices()] == [2]


def test_the_owner_is_told_of_a_customers_message_whose_job_cannot_be_read(desk: Desk) -> None:
    unreadable = desk.receive()
    message_id = desk.lab.value("SELECT id FROM messages ORDER BY id DESC LIMIT 1")
    for args in ({}, {"client_id": "of another release", "channel": "sms", "address": CUSTOMER}):
        desk.lab.execute("UPDATE jobs SET args = %s WHERE id = %s", json.dumps(args), unreadable)
        with desk.database.tenant_scope(ORGANIZATION_ID) as session:
            desk.lab.execute("UPDATE jobs SET state = 'dead' WHERE id = %s", unreadable)
            assert [one.subject for one in stranded(session, [unreadable])] == [f"message:{message_id}"]


def test_the_deaths_of_an_organization_that_is_gone_die_no_further_death(desk: Desk) -> None:
    desk.die(*desk.lab.backlog(new_id(), 1))
    assert [type(outcome) for outcome in desk.tell()] == [Done]
    assert desk.notices() == []


def test_a_letter_that_is_requeued_while_it_is_told_leaves_no_notice_behind(desk: Desk) -> None:
    job_id = desk.note()
    desk.die(job_id)
    waits = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"

    def requeue() -> None:
        with desk.database.platform_scope() as session:
            begin(session, Request("requeue", DeadFilter(ids=[job_id]), "fixed"), Actor("night", "operator"))

    with ThreadPoolExecutor(2) as pool, psycopg.connect(desk.lab.urls.superuser, autocommit=True) as watcher:

        def waiting() -> object:
            return watcher.execute(waits).fetchall()[0][0]

        with desk.lab.connect() as gate, gate.transaction():
            gate.execute("LOCK TABLE operator_notices IN SHARE MODE")
            telling = pool.submit(desk.tell)
            eventually(lambda: waiting() == 1)
            requeueing = pool.submit(requeue)
            eventually(lambda: waiting() == 2)
        telling.result()
        requeueing.result()
    assert [notice["resolved_by"] for notice in desk.notices()] == ["night"]
