"""What is known of an owner, read in one query, and alerts stored with it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from domain.alerts.policy import Alert, Owner
from domain.flags.definitions import COLLAPSE_MINUTES
from domain.flags.inforce import flags_of, whole
from domain.kernel.database import raw_connection
from domain.kernel.errors import NotFoundError
from domain.kernel.ids import new_id

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

# In the order of the fields of `Owner`. The last settled delivery to an owner's present address tells whether it works.
_OWNER: Final = """
    SELECT c.org_id, c.name, c.timezone, coalesce(s.notification_channel, 'sms'), s.alert_kinds,
           s.alert_collapse_minutes, c.owner_phone, c.owner_email,
           c.sms_number IS NOT NULL OR c.messaging_service_sid IS NOT NULL,
           EXISTS (SELECT FROM opt_outs o
                   WHERE o.client_id = c.id AND o.channel = 'sms' AND o.address = c.owner_phone),
           EXISTS (SELECT FROM opt_outs o
                   WHERE o.client_id = c.id AND o.channel = 'email' AND o.address = lower(c.owner_email)),
           EXISTS (SELECT FROM sender_flags f
                   WHERE f.client_id = c.id AND f.cleared_at IS NULL AND f.sender <> 'email'),
           EXISTS (SELECT FROM sender_flags f
                   WHERE f.client_id = c.id AND f.cleared_at IS NULL AND f.sender = 'email'),
           coalesce((SELECT d.state IN ('failed', 'undelivered') FROM deliveries d
                     WHERE d.client_id = c.id AND d.channel = 'sms' AND d.purpose IN ('owner_alert', 'test')
                       AND d.to_address = c.owner_phone
                       AND d.state IN ('accepted', 'sent', 'delivered', 'failed', 'undelivered')
                     ORDER BY d.id DESC LIMIT 1), false),
           coalesce((SELECT d.state IN ('failed', 'undelivered') FROM deliveries d
                     WHERE d.client_id = c.id AND d.channel = 'email' AND d.purpose IN ('owner_alert', 'test')
                       AND d.to_address = lower(c.owner_email)
                       AND d.state IN ('accepted', 'sent', 'delivered', 'failed', 'undelivered')
                     ORDER BY d.id DESC LIMIT 1), false),
           EXISTS (SELECT FROM operator_notices n
                   WHERE n.org_id = c.org_id AND n.kind = 'owner_unreachable' AND n.subject = 'client:' || c.id
                     AND n.resolved_at IS NULL)
    FROM clients c LEFT JOIN client_settings s ON s.client_id = c.id
    WHERE c.id = %(client_id)s
"""
# The lock is shared by all that raise alerts of a client, and kept from them by the digest that gathers what waits.
_STORE: Final = f"""
    WITH gate AS MATERIALIZED (
        SELECT pg_advisory_xact_lock_shared(hashtextextended(%(lock)s, 0))
    ), stored AS (
        INSERT INTO owner_alerts (id, org_id, client_id, kind, subject, summary, conversation_id, correlation_id)
        SELECT %(id)s, %(org_id)s, %(client_id)s, %(kind)s, %(subject)s, %(summary)s, %(conversation_id)s,
               %(correlation_id)s
        FROM gate
        ON CONFLICT (client_id, kind, subject) DO NOTHING
        RETURNING id
    )
    SELECT stored.id, owner.* FROM stored, ({_OWNER}) owner
"""  # noqa: S608  # both are constants
_LOCK: Final = "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))"
_COLLAPSE: Final = 5


def read_owner(session: Session, client_id: UUID) -> Owner:
    """Read how an owner is reached. Raises NotFoundError: there is no such client in this scope."""
    session.flush()
    row = raw_connection(session).execute(_OWNER, {"client_id": client_id}).fetchone()
    if row is None:
        raise NotFoundError("There is no such client in this organization.")
    return _owner(session, client_id, row)


def store_alert(session: Session, alert: Alert) -> tuple[UUID, Owner] | None:
    """Store an alert and return its id and the owner; None when it was raised before."""
    session.flush()
    parameters = {
        "lock": _lock_of(alert.client_id),
        "id": new_id(),
        "org_id": alert.org_id,
        "client_id": alert.client_id,
        "kind": alert.kind.value,
        "subject": alert.subject,
        "summary": alert.summary,
        "conversation_id": alert.conversation_id,
        "correlation_id": alert.correlation_id,
    }
    row: tuple[Any, ...] | None = raw_connection(session).execute(_STORE, parameters).fetchone()
    return None if row is None else (row[0], _owner(session, alert.client_id, row[1:]))


def keep_others_out(session: Session, client_id: UUID) -> None:
    """Wait for the transactions that raise alerts of a client, and keep others waiting until this one ends."""
    raw_connection(session).execute(_LOCK, [_lock_of(client_id)])


def _lock_of(client_id: UUID) -> str:
    return f"alerts:{client_id}"


def _owner(session: Session, client_id: UUID, row: tuple[Any, ...]) -> Owner:
    values = list(row)
    if values[_COLLAPSE] is None:
        values[_COLLAPSE] = whole(flags_of(session), COLLAPSE_MINUTES, org_id=values[0], client_id=client_id)
    values[_COLLAPSE] = timedelta(minutes=values[_COLLAPSE])
    return Owner(*values)
