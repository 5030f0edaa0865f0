"""A contact's word about being written to counts before anything else, in the order in which it was given."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final
from uuid import UUID

from domain.conversations.keywords import keyword
from domain.conversations.messages import ProcessMessages
from domain.conversations.thread import Waiting, mark_processed
from domain.delivery.opt_outs import record_opt_out, remove_opt_out
from domain.kernel.database import raw_connection
from domain.webhooks.emit import emit
from domain.webhooks.events import EventType

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

_OUTCOMES: Final = {"stop": "opted_out", "start": "opted_in"}

# A word can come late (from the spool, or found in the provider's list) when a newer one is obeyed already.
_OBEYED: Final = """
    SELECT id FROM messages
    WHERE client_id = %s AND channel = %s AND address = %s AND consent IN ('stop', 'start')
      AND processed_at IS NOT NULL AND id > %s
    LIMIT 1
"""


def apply_keywords(
    session: Session, message: ProcessMessages, org_id: UUID, waiting: Sequence[Waiting]
) -> Sequence[Waiting]:
    """Obey keywords in order of arrival and return the messages that are none.

    Twilio itself answers STOP, START and HELP, so a keyword gets no reply from us. "YES" or "START" of a contact that
    had not opted out is a text like any other.
    """
    if message.channel != "sms":
        return waiting
    rest: list[Waiting] = []
    for one in waiting:
        match one.consent or keyword(one.body):
            case "stop" | "start" as word if _overtaken(session, message, one):
                mark_processed(session, [one], _OUTCOMES[word])
            case "stop":
                _opt_out(session, message, org_id, one)
                mark_processed(session, [one], _OUTCOMES["stop"])
            case "start" if _opt_in(session, message, org_id, one) or keyword(one.body) is None:
                mark_processed(session, [one], _OUTCOMES["start"])
            case "help":
                mark_processed(session, [one], "help")
            case _:
                rest.append(one)
    return rest


def _overtaken(session: Session, message: ProcessMessages, one: Waiting) -> bool:
    """Return whether a newer word is obeyed already. A "STOP" that came as it was written never is too old.

    Ids are made by hosts whose clocks may differ, and a "START" by one in advance must not outdo what follows it.
    """
    if one.came_by == "webhook" and one.consent == "stop":
        return False
    parameters = (message.client_id, message.channel, message.address, one.id)
    return raw_connection(session).execute(_OBEYED, parameters).fetchone() is not None


def _opt_out(session: Session, message: ProcessMessages, org_id: UUID, one: Waiting) -> None:
    record_opt_out(
        session,
        org_id=org_id,
        client_id=message.client_id,
        channel="sms",
        address=message.address,
        source="keyword",
        message_id=one.id,
        correlation_id=one.correlation_id,
    )


def _opt_in(session: Session, message: ProcessMessages, org_id: UUID, one: Waiting) -> bool:
    changed = remove_opt_out(session, message.client_id, "sms", message.address)
    if changed:
        emit(
            session,
            EventType.CONTACT_OPTED_IN,
            {"channel": "sms", "address": message.address, "source": "keyword", "message_id": str(one.id)},
            org_id=org_id,
            client_id=message.client_id,
            correlation_id=one.correlation_id,
        )
    return changed
