"""Every decision is on record in the transaction that acts on it, and is counted."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time
from uuid import UUID

import pytest
from prometheus_client import REGISTRY
from psycopg.errors import InsufficientPrivilege
from sqlalchemy import delete, select, text, update
from sqlalchemy.exc import ProgrammingError

from domain.clients.switches import Switch, pause
from domain.gate.decide import decide
from domain.gate.guards import RULE_VERSION, Decision, Guard
from domain.gate.models import GuardLog
from domain.gate.policy import RULES
from domain.gate.snapshot import Snapshot, load_snapshot
from domain.kernel.database import Database
from domain.kernel.ids import new_id
from tests.domain.clients.rows import add_client, add_organization

pytestmark = pytest.mark.integration

NIGHT_IN_NEW_YORK = datetime(2026, 1, 15, 5, 0, tzinfo=UTC)


def _logs(database: Database) -> list[GuardLog]:
    with database.platform_scope() as session:
        return list(session.scalars(select(GuardLog).order_by(GuardLog.id)))


def _counted(guard: Guard, outcome: str) -> float:
    labels = {"guard": guard.value, "outcome": outcome}
    return REGISTRY.get_sample_value("gatehouse_guard_decisions_total", labels) or 0.0


def _snapshot(database: Database, org_id: UUID) -> Snapshot:
    client_id = add_client(database, org_id)
    with database.tenant_scope(org_id) as session:
        return load_snapshot(session, client_id, now=NIGHT_IN_NEW_YORK)


def _decide(database: Database, guard: Guard, snapshot: Snapshot, correlation_id: UUID | None = None) -> Decision:
    with database.tenant_scope(snapshot.org_id) as session:
        return decide(session, guard, snapshot, subject="message:1", correlation_id=correlation_id)


@pytest.mark.parametrize("guard", Guard)
def test_every_guard_s_decision_is_recorded_as_it_was_made(database: Database, guard: Guard) -> None:
    snapshot, correlation_id = _snapshot(database, add_organization(database)), new_id()
    decision = _decide(database, guard, snapshot, correlation_id)
    assert decision == RULES[guard](snapshot)
    (log,) = _logs(database)
    assert (log.org_id, log.client_id) == (snapshot.org_id, snapshot.client_id)
    assert (log.subject, log.correlation_id) == ("message:1", correlation_id)
    assert (log.guard, log.allowed, log.block) == (decision.guard, decision.allowed, decision.block)
    assert (log.reason, log.inputs, log.rule_version) == (decision.reason, decision.inputs, RULE_VERSION)


def test_a_wait_is_recorded_with_its_end(database: Database) -> None:
    snapshot = replace(_snapshot(database, add_organization(database)), quiet_hours=(time(21), time(8)))
    decision = _decide(database, Guard.CAN_SEND_SMS, snapshot)
    assert decision.retry_at == datetime(2026, 1, 15, 13, 0, tzinfo=UTC)
    (log,) = _logs(database)
    assert (log.block, log.inputs["retry_at"]) == ("soft", "2026-01-15T13:00:00+00:00")


def test_the_record_names_the_part_that_blocked_and_the_whole_that_was_asked(database: Database) -> None:
    snapshot = replace(_snapshot(database, add_organization(database)), outbound_paused=True)
    _decide(database, Guard.CAN_PROCESS_CUSTOMER_MESSAGE, snapshot)
    (log,) = _logs(database)
    assert (log.guard, log.block, log.inputs["asked"]) == ("can_send_sms", "hard", "can_process_customer_message")
    assert log.inputs["outbound_paused"] is True


def test_decisions_are_counted_by_guard_and_outcome(database: Database) -> None:
    snapshot = _snapshot(database, add_organization(database))
    cases = [
        (Guard.SHOULD_USE_AI, "allow", snapshot),
        (Guard.SHOULD_USE_AI, "soft", replace(snapshot, ai_disabled=True)),
        (Guard.CAN_SEND_SMS, "hard", replace(snapshot, recipient_opted_out=True)),
    ]
    for guard, outcome, state in cases:
        before = _counted(guard, outcome)
        _decide(database, guard, state)
        assert _counted(guard, outcome) == before + 1


def test_a_decision_and_what_was_done_upon_it_are_lost_together(database: Database) -> None:
    snapshot = _snapshot(database, add_organization(database))

    def act_and_fail() -> None:
        with database.tenant_scope(snapshot.org_id) as session:
            decide(session, Guard.CAN_SEND_SMS, snapshot, subject="message:1", correlation_id=None)
            pause(session, snapshot.client_id, Switch.OUTBOUND)
            assert session.scalar(select(GuardLog.id)) is not None
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        act_and_fail()
    assert _logs(database) == []
    with database.tenant_scope(snapshot.org_id) as session:
        assert not load_snapshot(session, snapshot.client_id, now=NIGHT_IN_NEW_YORK).outbound_paused


def test_nobody_else_sees_a_decision_before_its_transaction_commits(database: Database) -> None:
    snapshot = _snapshot(database, add_organization(database))
    with database.tenant_scope(snapshot.org_id) as session:
        decide(session, Guard.CAN_SEND_SMS, snapshot, subject="message:1", correlation_id=None)
        assert _logs(database) == []
    assert len(_logs(database)) == 1


def test_a_tenant_reads_and_writes_only_its_own_log(database: Database) -> None:
    theirs = _snapshot(database, add_organization(database, "theirs"))
    _decide(database, Guard.SHOULD_USE_AI, theirs)
    mine = add_organization(database, "mine")
    with database.tenant_scope(mine) as session:
        assert session.scalars(select(GuardLog)).all() == []
    with database.tenant_scope(mine) as session, pytest.raises(InsufficientPrivilege, match="row-level security"):
        decide(session, Guard.SHOULD_USE_AI, theirs, subject="message:1", correlation_id=None)


def test_a_tenant_s_session_cannot_rewrite_its_log(database: Database) -> None:
    snapshot = _snapshot(database, add_organization(database))
    _decide(database, Guard.SHOULD_USE_AI, snapshot)
    for statement in (update(GuardLog).values(reason="Never happened."), delete(GuardLog), text("TRUNCATE guard_logs")):
        with (
            database.tenant_scope(snapshot.org_id) as session,
            pytest.raises(ProgrammingError, match="permission denied"),
        ):
            session.execute(statement)
    assert [log.reason for log in _logs(database)] == ["Nothing stands in the way."]
