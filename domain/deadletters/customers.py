"""Which dead letters are a customer's message that nobody answered, and how to tell its business of it.

A message that was answered after all is none, and neither is a delivery that has its final state: whatever ended it for
good has told of it already. A letter whose arguments can't be read is known by its correlation id.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from uuid import UUID

from domain.conversations.messages import PROCESS
from domain.deadletters.arguments import id_argument
from domain.delivery.messages import SendDelivery
from domain.kernel.database import raw_connection
from domain.queue.message import spec_of

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

_QUOTE: Final = 100
"""Characters of a customer's text that its business is shown."""

_INBOUND: Final = f"""
    SELECT jobs.id, message.client_id, 'message:' || message.id, message.channel, message.address, contacts.name,
           message.body, message.conversation_id, message.correlation_id, 'unanswered'
    FROM jobs
    JOIN LATERAL (
        (SELECT * FROM messages
         WHERE client_id = {id_argument("client_id")} AND channel = jobs.args ->> 'channel'
             AND address = jobs.args ->> 'address' AND direction = 'in' AND processed_at IS NULL
         ORDER BY id DESC LIMIT 1)
        UNION ALL
        (SELECT * FROM messages
         WHERE num_nulls({id_argument("client_id")}, jobs.args ->> 'channel', jobs.args ->> 'address') > 0
             AND correlation_id = jobs.correlation_id AND direction = 'in' AND processed_at IS NULL
         ORDER BY id DESC LIMIT 1)
    ) message ON true
    LEFT JOIN contacts ON contacts.client_id = message.client_id AND contacts.channel = message.channel
        AND contacts.address = message.address
    WHERE jobs.id = ANY(%(ids)s) AND jobs.state = 'dead' AND jobs.kind = %(process)s
"""  # noqa: S608  # constants alone
_OUTBOUND: Final = f"""
    SELECT jobs.id, d.client_id, 'delivery:' || d.id, d.channel, d.to_address, contacts.name, d.body,
           m.conversation_id, d.correlation_id, CASE WHEN d.state = 'unknown' THEN 'unknown' ELSE 'unsent' END
    FROM jobs
    JOIN LATERAL (
        SELECT * FROM deliveries WHERE id = {id_argument("delivery_id")}
        UNION ALL
        SELECT * FROM deliveries
        WHERE {id_argument("delivery_id")} IS NULL AND correlation_id = jobs.correlation_id
    ) d ON true
    LEFT JOIN messages m ON m.id = d.message_id
    LEFT JOIN contacts ON contacts.client_id = d.client_id AND contacts.channel = d.channel
        AND contacts.address = d.to_address
    WHERE jobs.id = ANY(%(ids)s) AND jobs.state = 'dead' AND jobs.kind = %(send)s
        AND d.purpose IN ('reply', 'fallback', 'person', 'crisis') AND d.state IN ('pending', 'sending', 'unknown')
"""  # noqa: S608  # as above
_KINDS: Final = {"process": PROCESS, "send": spec_of(SendDelivery).kind}
_SENTENCES: Final = {
    "unanswered": "{who} wrote and could not be answered",
    "unsent": "A text to {who} could not be sent",
    "unknown": "Nobody can tell whether a text to {who} arrived",
}


@dataclass(frozen=True, slots=True)
class Stranded:
    """A customer's message that died. `subject`: the message or delivery, as a kind and an id."""

    job_id: UUID
    client_id: UUID
    subject: str
    channel: str
    address: str = field(repr=False)
    name: str | None = field(repr=False)
    body: str = field(repr=False)
    conversation_id: UUID | None
    correlation_id: UUID | None
    how: str

    @property
    def summary(self) -> str:
        """What happened, with the customer and the first words, as their business may read it."""
        known = self.address if self.channel != "web" else "A visitor of your chat"
        who = f"{self.name} ({known})" if self.name else known
        words = " ".join(self.body.split())
        quoted = words if len(words) <= _QUOTE else f"{words[:_QUOTE].rstrip()}..."
        return f'{_SENTENCES[self.how].format(who=who)}: "{quoted}"'


def stranded(session: Session, job_ids: Sequence[UUID]) -> Sequence[Stranded]:
    """Return what of these dead letters is a customer's message that is neither answered nor told of otherwise."""
    session.flush()
    parameters = {"ids": list(job_ids), **_KINDS}
    rows = raw_connection(session).execute(f"{_INBOUND} UNION ALL {_OUTBOUND}", parameters)
    return [Stranded(*row) for row in rows]
