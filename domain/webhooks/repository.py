"""The queries of sending: plain values in and out, nothing here decides."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from domain.kernel.database import raw_connection
from domain.webhooks.models import SendState
from domain.webhooks.policy import Health
from domain.webhooks.ports import Answer

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


@dataclass(frozen=True, slots=True)
class Loaded:
    """A send with its event and its endpoint as they are now. `held_until`, `failing_since`: see `models.Endpoint`."""

    id: UUID
    org_id: UUID
    state: str
    org_status: str
    endpoint_id: UUID
    endpoint_client_id: UUID | None
    url: str = field(repr=False)
    enabled: bool
    held_until: datetime | None
    failing_since: datetime | None
    sealed_secret: str = field(repr=False)
    sealed_previous_secret: str | None = field(repr=False)
    previous_until: datetime | None
    event_id: UUID
    event_type: str
    occurred_at: datetime
    client_id: UUID | None
    correlation_id: UUID | None
    payload: dict[str, Any] = field(repr=False)


_LOAD: Final = """
    SELECT s.id, s.org_id, s.state, o.status, e.id, e.client_id, e.url, e.enabled, e.held_until, e.failing_since,
           e.sealed_secret, e.sealed_previous_secret, e.previous_until, v.id, v.type, v.occurred_at,
           v.client_id, v.correlation_id, v.payload
    FROM webhook_sends s
    JOIN webhook_endpoints e ON e.id = s.endpoint_id
    JOIN webhook_events v ON v.id = s.event_id
    JOIN organizations o ON o.id = s.org_id
    WHERE s.id = %s
"""
_TAKE_PROBE: Final = """
    UPDATE webhook_endpoints SET held_until = %(lease)s
    WHERE id = %(id)s AND held_until <= %(now)s
    RETURNING id
"""
_OPEN: Final = """
    WITH send AS (
        UPDATE webhook_sends SET attempts = attempts + 1 WHERE id = %(send_id)s AND state = 'pending'
        RETURNING id, org_id, attempts
    )
    INSERT INTO webhook_attempts (id, org_id, send_id, attempt, started_at)
    SELECT %(id)s, org_id, id, attempts, %(at)s FROM send
"""
_CLOSE: Final = """
    UPDATE webhook_attempts SET status = %(status)s, error = %(error)s, milliseconds = %(milliseconds)s
    WHERE id = %(id)s
"""
# An endpoint that is well is not written to by each success: that would be one hot row for all its events.
_WELL: Final = """
    UPDATE webhook_endpoints SET failing_since = NULL, failures = 0, held_until = NULL, updated_at = %(at)s
    WHERE id = %(id)s AND (failing_since IS NOT NULL OR held_until IS NOT NULL)
"""
_FAILING: Final = """
    UPDATE webhook_endpoints SET failing_since = coalesce(failing_since, %(at)s), failures = failures + 1,
                                 held_until = NULL, updated_at = %(at)s
    WHERE id = %(id)s AND enabled
    RETURNING failing_since, failures
"""
_SETTLE: Final = """
    UPDATE webhook_sends SET state = %(state)s, reason = %(reason)s, settled_at = %(at)s
    WHERE id = %(id)s AND state = 'pending'
"""


def load(session: Session, send_id: UUID) -> Loaded | None:
    """Read a send; None when it is gone, with its endpoint."""
    row = raw_connection(session).execute(_LOAD, [send_id], prepare=True).fetchone()
    return None if row is None else Loaded(*row)


def take_probe(session: Session, endpoint_id: UUID, *, now: datetime, lease: datetime) -> bool:
    """Take the one call that may find out whether a held endpoint answers again, until `lease`."""
    parameters = {"id": endpoint_id, "now": now, "lease": lease}
    return raw_connection(session).execute(_TAKE_PROBE, parameters).fetchone() is not None


def open_attempt(session: Session, send_id: UUID, attempt_id: UUID, at: datetime) -> bool:
    """Record that a call is about to be made; return False when the send was settled meanwhile."""
    parameters = {"send_id": send_id, "id": attempt_id, "at": at}
    return raw_connection(session).execute(_OPEN, parameters, prepare=True).rowcount == 1


def close_attempt(session: Session, attempt_id: UUID, answer: Answer, error: str | None) -> None:
    """Record what came of a call."""
    parameters = {"id": attempt_id, "status": answer.status, "error": error, "milliseconds": answer.milliseconds}
    raw_connection(session).execute(_CLOSE, parameters, prepare=True)


def mark_well(session: Session, endpoint_id: UUID, at: datetime) -> None:
    """Record that an endpoint took an event."""
    raw_connection(session).execute(_WELL, {"id": endpoint_id, "at": at}, prepare=True)


def mark_failing(session: Session, endpoint_id: UUID, at: datetime) -> Health | None:
    """Record that a call of an endpoint failed, and return how it does; None when it is gone or disabled."""
    row = raw_connection(session).execute(_FAILING, {"id": endpoint_id, "at": at}, prepare=True).fetchone()
    return None if row is None else Health(*row)


def hold(session: Session, endpoint_id: UUID, until: datetime) -> None:
    """Let nothing be sent to an endpoint until then."""
    raw_connection(session).execute(
        "UPDATE webhook_endpoints SET held_until = %s WHERE id = %s", [until, endpoint_id], prepare=True
    )


def settle(session: Session, send_id: UUID, state: SendState, reason: str | None, at: datetime) -> None:
    """End a send that is pending."""
    parameters = {"id": send_id, "state": state, "reason": reason, "at": at}
    raw_connection(session).execute(_SETTLE, parameters, prepare=True)
