"""Tell an organization's endpoints of an event, in the transaction of what happened."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final
from uuid import UUID

from domain.kernel.database import raw_connection
from domain.kernel.ids import new_id
from domain.queue.enqueue import NewJob, enqueue_many
from domain.webhooks.events import EVERYTHING, JSON, EventType
from domain.webhooks.messages import SendWebhook

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

# The lock keeps an endpoint from being deleted before the sends that name it are committed.
_ENDPOINTS: Final = """
    SELECT id, enabled AND events && %(types)s::text[] AND (client_id IS NULL OR client_id = %(client_id)s::uuid)
    FROM webhook_endpoints WHERE org_id = %(org_id)s::uuid ORDER BY id FOR KEY SHARE
"""
_STORE: Final = """
    WITH event AS (
        INSERT INTO webhook_events (id, org_id, client_id, type, payload, correlation_id)
        VALUES (%(id)s, %(org_id)s, %(client_id)s, %(type)s, %(payload)s::jsonb, %(correlation_id)s)
    )
    INSERT INTO webhook_sends (id, org_id, event_id, endpoint_id)
    SELECT new.id, %(org_id)s, %(id)s, new.endpoint_id
    FROM unnest(%(send_ids)s::uuid[], %(endpoint_ids)s::uuid[]) AS new (id, endpoint_id)
"""


def emit(
    session: Session,
    event_type: EventType,
    payload: Mapping[str, JSON],
    *,
    org_id: UUID,
    client_id: UUID | None = None,
    correlation_id: UUID | None = None,
) -> None:
    """Store an event and enqueue a call of every endpoint that wants it, all in the session's transaction.

    Costs one indexed read when the organization has no endpoint; nothing is stored then. An event that no endpoint
    wants now, or whose endpoint is disabled, is stored all the same: it can be replayed.
    """
    connection = raw_connection(session)
    about = {"org_id": org_id, "client_id": client_id}
    types = [event_type.value, EVERYTHING]
    endpoints = connection.execute(_ENDPOINTS, {**about, "types": types}, prepare=True).fetchall()
    if not endpoints:
        return
    wanting = [endpoint_id for endpoint_id, wants in endpoints if wants]
    sends = [new_id() for _ in wanting]
    event = {
        **about,
        "id": new_id(),
        "type": event_type.value,
        "payload": json.dumps(storable(payload)),
        "correlation_id": correlation_id,
        "send_ids": sends,
        "endpoint_ids": wanting,
    }
    connection.execute(_STORE, event, prepare=True)
    jobs = [new_job(send_id, endpoint_id, correlation_id) for send_id, endpoint_id in zip(sends, wanting, strict=True)]
    enqueue_many(session, jobs, org_id=org_id)


def new_job(send_id: UUID, endpoint_id: UUID, correlation_id: UUID | None) -> NewJob:
    """Return the job of a send. Operators can limit how many run at once for one endpoint, by its key."""
    return NewJob(
        SendWebhook(send_id),
        correlation_id,
        subject=f"webhook_send:{send_id}",
        limit_key=f"webhook_endpoint:{endpoint_id}",
    )


def storable(value: JSON) -> JSON:
    """Return `value` without what PostgreSQL's JSON can't hold (NUL, half of a surrogate pair, NaN, infinity).

    An event must never be what makes the change fail that it tells of.
    """
    match value:
        case str():
            return value.replace("\x00", "").encode("utf-8", "replace").decode()
        case float():
            return value if math.isfinite(value) else None
        case Mapping():
            return {key: storable(item) for key, item in value.items()}
        case Sequence():
            return [storable(item) for item in value]
        case _:
            return value
