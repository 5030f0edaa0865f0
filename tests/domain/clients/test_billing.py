"""Steps in a client's billing are written down with who took them, and the gate follows each at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import update

from domain.clients.archive import archive_client
from domain.clients.billing import billing_of, carry_out_all, possible_steps, take_step
from domain.clients.errors import ArchivedError, NotPossibleError
from domain.clients.lifecycle import Step, contradictions
from domain.clients.models import Client
from domain.gate.guards import Guard
from domain.gate.policy import RULES
from domain.gate.snapshot import load_snapshot
from domain.kernel.database import Database
from domain.kernel.errors import NotFoundError
from tests.domain.clients.acts import DANA, actions, entries
from tests.domain.clients.rows import add_client, add_organization

pytestmark = pytest.mark.integration
AGO = timedelta(hours=1)


@pytest.fixture
def org_id(database: Database) -> UUID:
    return add_organization(database)


@pytest.fixture
def client_id(database: Database, org_id: UUID) -> UUID:
    return add_client(database, org_id)


def stored(database: Database, client_id: UUID) -> Client:
    with database.platform_scope() as session:
        return session.get_one(Client, client_id)


def sends(database: Database, client_id: UUID) -> bool:
    with database.platform_scope() as session:
        snapshot = load_snapshot(session, client_id, now=datetime.now(UTC), direct_reply=True)
    return RULES[Guard.CAN_SEND_SMS](snapshot).allowed


def put(database: Database, client_id: UUID, **columns: Any) -> None:  # noqa: ANN401  # as various as the table's columns
    with database.platform_scope() as session:
        session.execute(update(Client).where(Client.id == client_id).values(**columns))


def test_the_gate_follows_every_step_of_a_whole_life(database: Database, org_id: UUID, client_id: UUID) -> None:
    life: list[tuple[Step, str, bool]] = [
        (Step.START_TRIAL, "trial", True),
        (Step.ACTIVATE, "active", True),
        (Step.PAYMENT_FAILED, "past_due", True),
        (Step.PAYMENT_RESTORED, "active", True),
        (Step.REQUEST_CANCELLATION, "canceled", False),  # without a date: at once
        (Step.REACTIVATE, "active", True),
    ]
    for step, status, served in life:
        with database.tenant_scope(org_id) as session:
            client = take_step(session, client_id, step, DANA, reason="As the bookkeeper says.")
            assert contradictions(billing_of(client)) == []
        assert (stored(database, client_id).billing_status, sends(database, client_id)) == (status, served)
    assert actions(database, client_id) == [
        ("dana", "client.trial_started"),
        ("dana", "client.activated"),
        ("dana", "client.payment_failed"),
        ("dana", "client.payment_restored"),
        ("dana", "client.cancellation_requested"),
        ("gatehouse", "client.canceled"),
        ("dana", "client.reactivated"),
    ]
    failed = entries(database, client_id)[2]
    assert (failed.before, failed.after, failed.reason) == (
        {"billing_status": "active", "payment_active": True},
        {"billing_status": "past_due", "payment_active": False},
        "As the bookkeeper says.",
    )


def test_a_pending_cancellation_is_served_until_its_date_and_can_be_withdrawn(
    database: Database, org_id: UUID, client_id: UUID
) -> None:
    with database.tenant_scope(org_id) as session:
        take_step(session, client_id, Step.ACTIVATE, DANA)
        take_step(session, client_id, Step.REQUEST_CANCELLATION, DANA, at=datetime.now(UTC) + timedelta(days=3))
    assert carry_out_all(database.platform_scope) == "0 clients left, 0 trials ended."
    assert sends(database, client_id)
    with database.tenant_scope(org_id) as session:
        take_step(session, client_id, Step.WITHDRAW_CANCELLATION, DANA)
    client = stored(database, client_id)
    assert (client.billing_status, client.cancel_requested_at, client.cancels_at) == ("active", None, None)


def test_the_job_carries_out_what_is_due_once_by_gatehouse(database: Database, org_id: UUID) -> None:
    now = datetime.now(UTC)
    leaving = add_client(database, org_id, "leaving", billing_status="active", payment_active=True)
    put(database, leaving, cancel_requested_at=now - 2 * AGO, cancels_at=now - AGO)
    tried = add_client(database, org_id, "tried", billing_status="trial", trial_used_at=now - 2 * AGO)
    put(database, tried, trial_ends_at=now - AGO)
    trying = add_client(database, org_id, "trying", billing_status="trial", trial_used_at=now - AGO)
    put(database, trying, trial_ends_at=now + AGO)

    assert not sends(database, leaving), "the gate needs no job to see that the day has come"
    assert not sends(database, tried)
    assert carry_out_all(database.platform_scope) == "1 clients left, 1 trials ended."
    assert carry_out_all(database.platform_scope) == "0 clients left, 0 trials ended."

    assert [stored(database, one).billing_status for one in (leaving, tried, trying)] == ["canceled", "none", "trial"]
    assert [sends(database, one) for one in (leaving, tried, trying)] == [False, False, True]
    assert actions(database, leaving) == [("gatehouse", "client.canceled")]
    assert actions(database, tried) == [("gatehouse", "client.trial_ended")]
    assert actions(database, trying) == []


def test_several_at_once_carry_everything_out_once(database: Database, org_id: UUID) -> None:
    ids = [add_client(database, org_id, f"client-{n}", billing_status="active") for n in range(8)]
    for one in ids:
        put(database, one, cancels_at=datetime.now(UTC) - AGO)
    with ThreadPoolExecutor(3) as several:
        list(several.map(lambda _: carry_out_all(database.platform_scope), range(3)))
    carry_out_all(database.platform_scope)
    assert {stored(database, one).billing_status for one in ids} == {"canceled"}
    assert [actions(database, one) for one in ids] == [[("gatehouse", "client.canceled")]] * len(ids)


def test_a_run_that_was_cut_off_leaves_nothing_half_done(database: Database, client_id: UUID) -> None:
    put(database, client_id, cancels_at=datetime.now(UTC) - AGO)
    with pytest.raises(ZeroDivisionError), database.platform_scope() as session:
        with pytest.raises(NotPossibleError):
            take_step(session, client_id, Step.PAYMENT_FAILED, DANA)
        raise ZeroDivisionError
    assert (stored(database, client_id).billing_status, actions(database, client_id)) == ("none", [])


def test_a_step_is_judged_by_what_time_has_taken_though_no_job_has_run(
    database: Database, org_id: UUID, client_id: UUID
) -> None:
    put(database, client_id, billing_status="active", payment_active=True, cancels_at=datetime.now(UTC) - AGO)
    with database.tenant_scope(org_id) as session, pytest.raises(NotPossibleError, match="reactivate"):
        take_step(session, client_id, Step.WITHDRAW_CANCELLATION, DANA)
    with database.tenant_scope(org_id) as session:
        assert take_step(session, client_id, Step.REACTIVATE, DANA).billing_status == "active"
    assert [action for _, action in actions(database, client_id)] == ["client.canceled", "client.reactivated"]


def test_two_who_take_a_step_at_once_take_it_once(database: Database, org_id: UUID, client_id: UUID) -> None:
    def begin(_: int) -> bool:
        try:
            with database.tenant_scope(org_id) as session:
                take_step(session, client_id, Step.START_TRIAL, DANA)
        except NotPossibleError:
            return False
        return True

    with ThreadPoolExecutor(4) as several:
        assert sorted(several.map(begin, range(4))) == [False, False, False, True]


def test_what_only_time_takes_nobody_can_take(database: Database, org_id: UUID, client_id: UUID) -> None:
    for step in (Step.END_TRIAL, Step.CARRY_OUT_CANCELLATION):
        with database.tenant_scope(org_id) as session, pytest.raises(NotPossibleError, match="by itself"):
            take_step(session, client_id, step, DANA)


def test_neither_an_archived_client_nor_another_tenant_s_can_take_a_step(
    database: Database, org_id: UUID, client_id: UUID
) -> None:
    other = add_organization(database, "other")
    with database.tenant_scope(other) as session, pytest.raises(NotFoundError):
        take_step(session, client_id, Step.START_TRIAL, DANA)
    with database.tenant_scope(org_id) as session:
        client = archive_client(session, client_id, "Closed.", DANA)
        assert possible_steps(session, client) == ()
        with pytest.raises(ArchivedError):
            take_step(session, client_id, Step.START_TRIAL, DANA)
