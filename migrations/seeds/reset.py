"""Put the demo tenant back to its seed: for a demonstration that strangers have played with.

What customers wrote, what was sent and what was changed of the business goes. What proves what happened stays: the
audit log, the gate's decisions, ended jobs; and so do people's roles and keys.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from domain.audit.record import Act, Actor, record
from domain.kernel.database import raw_connection
from domain.kernel.errors import ConflictError, NotFoundError
from migrations.seeds import ADVISORY_LOCK
from migrations.seeds.demo import TENANT
from migrations.seeds.tenant import insert_tenant

if TYPE_CHECKING:
    import psycopg
    from sqlalchemy.orm import Session

# In an order in which no row is left that points to one that is gone; what hangs on a row goes with it.
_CLEARED: Final = (
    "webhook_events",
    "webhook_endpoints",
    "owner_alerts",
    "operator_notices",
    "leads",
    "deliveries",
    "sandbox_messages",
    "sandbox_emails",
    "sender_flags",
    "opt_outs",
    "inbound_watermarks",
    "messages",
    "conversations",
    "contacts",
    "knowledge_entries",
    "bots",
    "client_settings",
)
_CANCEL: Final = """
    UPDATE jobs SET state = 'cancelled', finished_at = now(), queued_at = NULL, held_by = NULL
    WHERE org_id = %s AND state IN ('scheduled', 'available', 'retryable')
"""
_RUNNING: Final = "SELECT count(*) FROM jobs WHERE org_id = %s AND state = 'executing'"
_CLIENT: Final = """
    UPDATE clients SET slug = %(slug)s, name = %(name)s, timezone = %(timezone)s, sms_number = %(sms_number)s,
        messaging_service_sid = NULL, owner_name = %(owner_name)s, owner_phone = %(owner_phone)s,
        owner_email = %(owner_email)s, booking_mode = 'redirect', booking_url = %(booking_url)s,
        billing_status = 'active', payment_active = true, trial_used_at = NULL, trial_ends_at = NULL, cancels_at = NULL,
        cancel_requested_at = NULL, archived_at = NULL, outbound_paused = false, notifications_paused = false,
        ai_disabled = false, updated_at = now()
    WHERE id = %(id)s
"""


class NotTheDemoError(ConflictError):
    """What has the id of the demo tenant is not the demo tenant, so nothing was touched."""


class DemoBusyError(ConflictError):
    """Jobs of the demo tenant run just now; try again in a moment."""


@dataclass(frozen=True, slots=True)
class Reset:
    """What a reset took away: rows by table (those that hung on them are not counted), and jobs that waited."""

    rows: dict[str, int]
    jobs: int


def reset_demo(session: Session, actor: Actor, *, reason: str | None = None) -> Reset:
    """Put the demo tenant back to its seed, in a platform scope, on record; touches no other tenant.

    Raises NotFoundError (there is no demo tenant), NotTheDemoError, DemoBusyError.
    """
    session.flush()
    connection = raw_connection(session)
    connection.execute("SELECT pg_advisory_xact_lock(%s)", [ADVISORY_LOCK])
    _check(connection)
    jobs = connection.execute(_CANCEL, [TENANT.organization_id]).rowcount
    rows = {table: _clear(connection, table) for table in _CLEARED}
    others = connection.execute(
        "DELETE FROM clients WHERE org_id = %s AND id <> %s", [TENANT.organization_id, TENANT.client.id]
    ).rowcount
    seeded = {name: getattr(TENANT.client, name) for name in TENANT.client.__slots__ if name != "entries"}
    connection.execute(_CLIENT, seeded)
    connection.execute(
        "UPDATE organizations SET name = %s WHERE id = %s", [TENANT.organization_name, TENANT.organization_id]
    )
    insert_tenant(connection, TENANT)
    done = Reset({table: count for table, count in (rows | {"clients": others}).items() if count}, jobs)
    act = Act(
        "demo.reset",
        "organization",
        str(TENANT.organization_id),
        reason,
        after={"removed": done.rows, "jobs_cancelled": jobs},
        org_id=TENANT.organization_id,
    )
    record(session, actor, act)
    return done


def _check(connection: psycopg.Connection[Any]) -> None:
    row = connection.execute(
        "SELECT slug FROM organizations WHERE id = %s FOR UPDATE", [TENANT.organization_id]
    ).fetchone()
    if row is None:
        raise NotFoundError("There is no demo tenant here. Run: gatehouse seed demo")
    if row[0] != TENANT.organization_slug:
        raise NotTheDemoError
    running = connection.execute(_RUNNING, [TENANT.organization_id]).fetchone()
    if running is not None and running[0]:
        raise DemoBusyError


def _clear(connection: psycopg.Connection[Any], table: str) -> int:
    return connection.execute(f"DELETE FROM {table} WHERE org_id = %s", [TENANT.organization_id]).rowcount
