"""A snapshot is the client's state as this transaction sees it, in one query, of this tenant alone."""

from __future__ import annotations

from dataclasses import fields
from datetime import UTC, datetime, time, timedelta
from typing import Any, Self

import psycopg
import pytest
from psycopg.abc import Query
from sqlalchemy import update

from domain.clients.models import Client, ClientSettings
from domain.clients.onboarding import complete_onboarding
from domain.clients.switches import Switch, pause
from domain.gate.guards import Guard
from domain.gate.policy import RULES
from domain.gate.snapshot import Snapshot, load_snapshot
from domain.kernel.database import Database, raw_connection
from domain.kernel.errors import NotFoundError
from domain.kernel.ids import new_id
from domain.tenancy.models import Organization
from tests.domain.clients.rows import READY, add_client, add_organization

pytestmark = pytest.mark.integration

NOW = datetime(2026, 11, 20, 17, 0, tzinfo=UTC)


def test_a_new_client_has_the_defaults(database: Database) -> None:
    org_id = add_organization(database)
    client_id = add_client(database, org_id)
    with database.tenant_scope(org_id) as session:
        snapshot = load_snapshot(session, client_id, now=NOW)
    assert snapshot == Snapshot(
        client_id=client_id,
        org_id=org_id,
        org_active=True,
        onboarding_complete=False,
        billing_status="none",
        payment_active=False,
        trial_used_at=None,
        trial_ends_at=None,
        cancels_at=None,
        outbound_paused=False,
        notifications_paused=False,
        ai_disabled=False,
        booking_mode="none",
        booking_url=None,
        timezone="America/New_York",
        quiet_hours=None,
        recipient_opted_out=False,
        direct_reply=False,
        now=NOW,
    )


def test_every_state_of_a_client_is_read(database: Database) -> None:
    org_id = add_organization(database)
    client_id = add_client(
        database,
        org_id,
        **READY,
        billing_status="trial",
        payment_active=True,
        trial_used_at=NOW - timedelta(days=3),
        trial_ends_at=NOW + timedelta(days=11),
        cancels_at=NOW + timedelta(days=30),
        outbound_paused=True,
        notifications_paused=True,
        ai_disabled=True,
        booking_mode="redirect",
        booking_url="https://book.example.com/",
        timezone="Europe/Berlin",
    )
    with database.tenant_scope(org_id) as session:
        hours = {"quiet_hours_start": time(21), "quiet_hours_end": time(8, 30)}
        session.add(ClientSettings(client_id=client_id, org_id=org_id, **hours))
        complete_onboarding(session, client_id)
    with database.platform_scope() as session:
        session.execute(update(Organization).where(Organization.id == org_id).values(status="suspended"))
    for scope in (database.tenant_scope(org_id), database.platform_scope()):
        with scope as session:
            snapshot = load_snapshot(session, client_id, now=NOW, recipient_opted_out=True, direct_reply=True)
        assert snapshot == Snapshot(
            client_id=client_id,
            org_id=org_id,
            org_active=False,
            onboarding_complete=True,
            billing_status="trial",
            payment_active=True,
            trial_used_at=NOW - timedelta(days=3),
            trial_ends_at=NOW + timedelta(days=11),
            cancels_at=NOW + timedelta(days=30),
            outbound_paused=True,
            notifications_paused=True,
            ai_disabled=True,
            booking_mode="redirect",
            booking_url="https://book.example.com/",
            timezone="Europe/Berlin",
            quiet_hours=(time(21), time(8, 30)),
            recipient_opted_out=True,
            direct_reply=True,
            now=NOW,
        )


@pytest.mark.parametrize(
    "field", ["payment_active", "outbound_paused", "notifications_paused", "ai_disabled", "onboarding_complete"]
)
def test_no_state_is_taken_for_another(database: Database, field: str) -> None:
    org_id = add_organization(database)
    columns: dict[str, Any] = {} if field == "onboarding_complete" else {field: True}
    client_id = add_client(database, org_id, **READY, **columns)
    with database.tenant_scope(org_id) as session:
        if field == "onboarding_complete":
            complete_onboarding(session, client_id)
        snapshot = load_snapshot(session, client_id, now=NOW)
    assert {one.name for one in fields(snapshot) if getattr(snapshot, one.name) is True} == {"org_active", field}


def test_what_the_session_has_changed_but_not_written_yet_counts(database: Database) -> None:
    org_id = add_organization(database)
    client_id = add_client(database, org_id)
    with database.tenant_scope(org_id) as session:
        session.get_one(Client, client_id).outbound_paused = True
        assert load_snapshot(session, client_id, now=NOW).outbound_paused


def test_it_takes_one_query(database: Database) -> None:
    asked: list[object] = []

    class Counting(psycopg.Cursor[Any]):
        """A cursor that keeps what it is asked."""

        def execute(self, query: Query, *arguments: Any, **options: Any) -> Self:  # noqa: ANN401  # passed on as they are
            asked.append(query)
            return super().execute(query, *arguments, **options)

    org_id = add_organization(database)
    client_id = add_client(database, org_id)
    with database.tenant_scope(org_id) as session:
        connection = raw_connection(session)
        connection.cursor_factory = Counting
        load_snapshot(session, client_id, now=NOW)
        connection.cursor_factory = psycopg.Cursor
    assert len(asked) == 1


def test_another_tenant_s_client_is_not_found(database: Database) -> None:
    theirs = add_client(database, add_organization(database, "theirs"))
    mine = add_organization(database, "mine")
    for client_id in (theirs, new_id()):
        with database.tenant_scope(mine) as session, pytest.raises(NotFoundError):
            load_snapshot(session, client_id, now=NOW)


@pytest.mark.parametrize(
    ("switch", "guard", "block"),
    [
        (Switch.OUTBOUND, Guard.CAN_SEND_SMS, "hard"),
        (Switch.OUTBOUND, Guard.CAN_PROCESS_NOTIFICATION_REQUEST, "hard"),
        (Switch.NOTIFICATIONS, Guard.CAN_PROCESS_NOTIFICATION_REQUEST, "hard"),
        (Switch.AI, Guard.SHOULD_USE_AI, "soft"),
    ],
)
def test_a_switch_thrown_by_another_transaction_is_seen_by_the_next_question(
    database: Database, switch: Switch, guard: Guard, block: str
) -> None:
    org_id = add_organization(database)
    client_id = add_client(database, org_id)
    with database.tenant_scope(org_id) as asking:
        before = RULES[guard](load_snapshot(asking, client_id, now=NOW))
        with database.tenant_scope(org_id) as operator:
            pause(operator, client_id, switch)
        after = RULES[guard](load_snapshot(asking, client_id, now=NOW))
    assert (before.outcome, after.outcome) == ("allow", block)
