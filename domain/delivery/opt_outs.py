"""Who must not be written to. An opt-out is of one address at one client, whoever reported it.

A contact's "STOP" is obeyed in two steps: from the commit of the message on, because its last word on consent is read
here, and for good by the opt-out that processing the message records. A "START" counts once it is processed.
"""

from __future__ import annotations

from typing import Final, Literal
from uuid import UUID

from sqlalchemy import CursorResult, delete
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from domain.delivery.models import OptOut
from domain.kernel.database import raw_connection
from domain.kernel.ids import new_id
from domain.webhooks.emit import emit
from domain.webhooks.events import EventType

Channel = Literal["sms", "email"]
Source = Literal["keyword", "provider", "operator", "bounce", "complaint", "unsubscribe", "import"]

# Written for psycopg: every message passes here several times.
_FIND: Final = """
    SELECT EXISTS (SELECT FROM opt_outs
                   WHERE client_id = %(client_id)s AND channel = %(channel)s AND address = %(address)s)
           OR coalesce((SELECT consent = 'stop' AND processed_at IS NULL FROM messages
                        WHERE client_id = %(client_id)s AND channel = %(channel)s AND address = %(address)s
                          AND consent IN ('stop', 'start')
                        ORDER BY id DESC LIMIT 1), false)
"""


def is_opted_out(session: Session, client_id: UUID, channel: Channel, address: str) -> bool:
    """Return whether this address asked this client not to write, even if nobody has processed its word yet."""
    session.flush()
    parameters = {"client_id": client_id, "channel": channel, "address": address}
    row = raw_connection(session).execute(_FIND, parameters, prepare=True).fetchone()
    return row is not None and bool(row[0])


def record_opt_out(
    session: Session,
    *,
    org_id: UUID,
    client_id: UUID,
    channel: Channel,
    address: str,
    source: Source,
    message_id: UUID | None = None,
    correlation_id: UUID | None = None,
) -> bool:
    """Record that this address must not be written to, and tell the tenant's endpoints.

    Returns False when it was known; the first source stays. `message_id`: the contact's own message that says so.
    """
    statement = (
        insert(OptOut)
        .values(id=new_id(), org_id=org_id, client_id=client_id, channel=channel, address=address, source=source)
        .on_conflict_do_nothing(index_elements=["client_id", "channel", "address"])
        .returning(OptOut.id)
    )
    if session.scalar(statement) is None:
        return False
    emit(
        session,
        EventType.CONTACT_OPTED_OUT,
        {
            "channel": channel,
            "address": address,
            "source": source,
            "message_id": str(message_id) if message_id else None,
        },
        org_id=org_id,
        client_id=client_id,
        correlation_id=correlation_id,
    )
    return True


def remove_opt_out(session: Session, client_id: UUID, channel: Channel, address: str) -> bool:
    """Forget an opt-out, because its owner asked to be written to again; return whether there was one."""
    statement = delete(OptOut).where(
        OptOut.client_id == client_id, OptOut.channel == channel, OptOut.address == address
    )
    result = session.execute(statement)
    return isinstance(result, CursorResult) and result.rowcount > 0
