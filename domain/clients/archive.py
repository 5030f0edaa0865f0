"""Part with a client: its number is free for another, nothing is sent any more, and its history stays."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import func

from domain.audit.record import Act, Actor, record
from domain.clients.details import store
from domain.clients.locking import locked_client
from domain.clients.models import Client
from domain.kernel.reasons import fit_reason

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


def archive_client(session: Session, client_id: UUID, reason: str, actor: Actor) -> Client:
    """Archive a client, on record. From the commit on the gate blocks all that would leave; this can't be undone.

    Texts to its number find nobody within seconds, its bots are gone from their pages, and what waits is not sent.

    Raises ClientNotFoundError, ReasonMissingError, and ArchivedError when it is archived already.
    """
    reason = fit_reason(reason)
    client = locked_client(session, client_id)
    before = {"sms_number": client.sms_number, "messaging_service_sid": client.messaging_service_sid}
    client.archived_at = client.sms_number_since = client.messaging_service_since = func.clock_timestamp()
    client.sms_number = client.messaging_service_sid = None
    store(session, client)
    org_id = client.org_id
    act = Act("client.archived", "client", str(client_id), reason, before=before, org_id=org_id, client_id=client_id)
    record(session, actor, act)
    return client
