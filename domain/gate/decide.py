"""Ask the gate, on record."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from psycopg.types.json import Jsonb

from config.telemetry import GUARD_DECISIONS
from domain.gate.guards import in_utc
from domain.gate.policy import RULES
from domain.kernel.database import raw_connection
from domain.kernel.ids import new_id
from domain.statistics.activities import Activity, note

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy.orm import Session

    from domain.gate.guards import Decision, Guard
    from domain.gate.snapshot import Snapshot

# Written for psycopg: every message passes here several times.
_RECORD: Final = """
    INSERT INTO guard_logs
        (id, org_id, client_id, correlation_id, subject, guard, allowed, block, reason, inputs, rule_version)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""


def decide(
    session: Session, guard: Guard, snapshot: Snapshot, *, subject: str, correlation_id: UUID | None
) -> Decision:
    """Evaluate a guard, record the decision in the caller's transaction, and count it.

    `subject` says what is asked about, as a kind and an id (`"message:0198…"`), never a number or a text. A decision
    whose transaction rolls back leaves no row, though it was made and so is counted.
    """
    decision = RULES[guard](snapshot)
    inputs = dict(decision.inputs)
    if decision.retry_at is not None:
        inputs["retry_at"] = in_utc(decision.retry_at)
    session.flush()
    raw_connection(session).execute(
        _RECORD,
        [
            new_id(),
            snapshot.org_id,
            snapshot.client_id,
            correlation_id,
            subject,
            decision.guard.value,
            decision.allowed,
            decision.block,
            decision.reason,
            Jsonb(inputs),
            decision.rule_version,
        ],
    )
    if not decision.allowed:
        guard_name = decision.guard.value
        note(session, Activity.BLOCKED, guard_name, org_id=snapshot.org_id, client_id=snapshot.client_id)
    GUARD_DECISIONS.labels(guard=decision.guard.value, outcome=decision.outcome).inc()
    return decision
