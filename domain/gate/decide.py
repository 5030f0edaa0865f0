"""Ask the gate, on record."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from sqlalchemy import Table, insert

from config.telemetry import GUARD_DECISIONS
from domain.gate.guards import in_utc
from domain.gate.models import GuardLog
from domain.gate.policy import RULES
from domain.kernel.ids import new_id

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy.orm import Session

    from domain.gate.guards import Decision, Guard
    from domain.gate.snapshot import Snapshot

# Through the table, not the mapped class: every message passes here several times, and the row is not read back.
_RECORD = insert(cast("Table", GuardLog.__table__))


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
    session.execute(
        _RECORD,
        {
            "id": new_id(),
            "org_id": snapshot.org_id,
            "client_id": snapshot.client_id,
            "correlation_id": correlation_id,
            "subject": subject,
            "guard": decision.guard.value,
            "allowed": decision.allowed,
            "block": decision.block,
            "reason": decision.reason,
            "inputs": inputs,
            "rule_version": decision.rule_version,
        },
    )
    GUARD_DECISIONS.labels(guard=decision.guard.value, outcome=decision.outcome).inc()
    return decision
