"""Accept inbound messages: each and the job that processes it, in one statement for many, once per external id.

The statement is plain SQL over arrays, because this is the hottest path of the house: requests that wait together share
one round trip and one commit (`api.ingest`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

from domain.conversations.keywords import Consent, consent_of
from domain.conversations.messages import PROCESS, Channel, ProcessMessages
from domain.kernel.ids import new_id
from domain.queue.message import encode, spec_of
from domain.queue.publish import QueuedJob

ACCEPT: Final = """
    WITH incoming AS (
        SELECT * FROM unnest(
            %(message_ids)s::uuid[], %(job_ids)s::uuid[], %(org_ids)s::uuid[], %(client_ids)s::uuid[],
            %(conversation_ids)s::uuid[], %(channels)s::text[], %(addresses)s::text[], %(bodies)s::text[],
            %(media)s::jsonb[], %(external_ids)s::text[], %(correlation_ids)s::uuid[], %(args)s::jsonb[],
            %(consents)s::text[], %(came_by)s::text[], %(received_ats)s::timestamptz[])
        AS i (message_id, job_id, org_id, client_id, conversation_id, channel, address, body, media, external_id,
              correlation_id, args, consent, came_by, received_at)
    ), stored AS (
        INSERT INTO messages (id, org_id, client_id, conversation_id, direction, channel, address, author, body, media,
                              external_id, correlation_id, consent, came_by, received_at)
        SELECT message_id, org_id, client_id, conversation_id, 'in', channel, address, 'contact', body, media,
               external_id, correlation_id, consent, came_by, coalesce(received_at, now())
        FROM incoming
        ON CONFLICT (client_id, external_id) DO NOTHING
        RETURNING id
    ), queued AS (
        INSERT INTO jobs (id, org_id, kind, queue, args, state, priority, max_attempts, subject, correlation_id,
                          queued_at)
        SELECT job_id, org_id, %(kind)s, %(queue)s, args, 'available', %(priority)s, %(max_attempts)s,
               'message:' || message_id, correlation_id, CASE WHEN %(direct)s AND NOT EXISTS (
                   SELECT FROM queue_limits l
                   WHERE (l.tenant_id IS NULL OR l.tenant_id = org_id) AND (l.kind IS NULL OR l.kind = %(kind)s)
                       AND l.key IS NULL
               ) THEN now() END
        FROM incoming JOIN stored ON stored.id = message_id
        RETURNING id, queued_at IS NOT NULL AS direct
    )
    SELECT message_id, queued.direct FROM queued JOIN incoming ON job_id = queued.id
"""
"""Returns the ids of the messages that were new, and whether their jobs are to be pushed: those that a limit counts are
left to the dispatcher. Runs as the platform role: a batch holds messages of many tenants."""


CameBy = Literal["webhook", "spool", "recovery"]


@dataclass(frozen=True, slots=True)
class Inbound:
    """A message to accept. `external_id` is what a repeat of it carries again.

    `received_at` is set for one that comes late; its `message_id` is then of that time too, because messages are in
    order by their ids. `opt_out_type` is what the provider says of the contact's consent (see `consent_of`).
    """

    org_id: UUID
    client_id: UUID
    channel: Channel
    address: str = field(repr=False)
    body: str = field(repr=False)
    external_id: str
    media: str = "[]"
    conversation_id: UUID | None = None
    opt_out_type: str | None = None
    came_by: CameBy = "webhook"
    received_at: datetime | None = None
    message_id: UUID = field(default_factory=new_id)
    job_id: UUID = field(default_factory=new_id)
    correlation_id: UUID = field(default_factory=new_id)

    @property
    def consent(self) -> Consent | None:
        """What the contact says of being written to; only texts say anything."""
        return consent_of(self.body, self.opt_out_type) if self.channel == "sms" else None

    @property
    def job(self) -> QueuedJob:
        """The job that processes this message."""
        return QueuedJob(self.job_id, PROCESS, _SPEC.queue)


_SPEC = spec_of(ProcessMessages)


def parameters(batch: Sequence[Inbound], *, direct: bool) -> Mapping[str, Any]:
    """Return the parameters of ACCEPT. `direct`: this process pushes the jobs to the broker after the commit."""
    return {
        "message_ids": [i.message_id for i in batch],
        "job_ids": [i.job_id for i in batch],
        "org_ids": [i.org_id for i in batch],
        "client_ids": [i.client_id for i in batch],
        "conversation_ids": [i.conversation_id for i in batch],
        "channels": [i.channel for i in batch],
        "addresses": [i.address for i in batch],
        "bodies": [i.body for i in batch],
        "media": [i.media for i in batch],
        "external_ids": [i.external_id for i in batch],
        "correlation_ids": [i.correlation_id for i in batch],
        "args": [encode(ProcessMessages(i.client_id, i.channel, i.address)) for i in batch],
        "consents": [i.consent for i in batch],
        "came_by": [i.came_by for i in batch],
        "received_ats": [i.received_at for i in batch],
        "kind": _SPEC.kind,
        "queue": _SPEC.queue,
        "priority": _SPEC.priority,
        "max_attempts": _SPEC.max_attempts,
        "direct": direct,
    }
