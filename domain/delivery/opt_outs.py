"""Who must not be written to. An opt-out is of one address at one client, whoever reported it."""

from __future__ import annotations

from typing import Final, Literal
from uuid import UUID

from sqlalchemy import CursorResult, delete
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from domain.delivery.models import OptOut
from domain.kernel.database import raw_connection
from domain.kernel.ids import new_id

Channel = Literal["sms", "email"]
Source = Literal["keyword", "provider", "operator"]

# Written for psycopg: every message passes here several times.
_FIND: Final = "SELECT FROM opt_outs WHERE client_id = %s AND channel = %s AND address = %s"


def is_opted_out(session: Session, client_id: UUID, channel: Channel, address: str) -> bool:
    """Return whether this address asked this client not to write."""
    session.flush()
    return raw_connection(session).execute(_FIND, (client_id, channel, address)).fetchone() is not None


def record_opt_out(
    session: Session, *, org_id: UUID, client_id: UUID, channel: Channel, address: str, source: Source
) -> bool:
    """Record that this address must not be written to; return False when it was known. The first source stays."""
    statement = (
        insert(OptOut)
        .values(id=new_id(), org_id=org_id, client_id=client_id, channel=channel, address=address, source=source)
        .on_conflict_do_nothing(index_elements=["client_id", "channel", "address"])
        .returning(OptOut.id)
    )
    return session.scalar(statement) is not None


def remove_opt_out(session: Session, client_id: UUID, channel: Channel, address: str) -> bool:
    """Forget an opt-out, because its owner asked to be written to again; return whether there was one."""
    statement = delete(OptOut).where(
        OptOut.client_id == client_id, OptOut.channel == channel, OptOut.address == address
    )
    result = session.execute(statement)
    return isinstance(result, CursorResult) and result.rowcount > 0
