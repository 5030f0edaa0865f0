"""Start a conversation on a web page: the visitor's contact and thread, made once however often this is repeated."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from domain.conversations.models import Contact, Conversation, ThreadMessage
from domain.kernel.errors import ConflictError
from domain.kernel.ids import new_id

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


class KeyReusedError(ConflictError):
    """The idempotency key was used for another text."""


def start_conversation(session: Session, *, org_id: UUID, client_id: UUID, bot_id: UUID, visitor: str) -> UUID:
    """Return the id of the visitor's conversation with this client; made when there is none.

    `visitor` is the contact's address: whoever starts with the same one gets the same conversation, so it must not be
    guessable. A conversation stays with the bot that began it.
    """
    contact = insert(Contact).values(
        id=new_id(), org_id=org_id, client_id=client_id, channel="web", address=visitor, updated_at=func.now()
    )
    contact_id = session.execute(
        contact.on_conflict_do_update(
            index_elements=["client_id", "channel", "address"], set_={"updated_at": contact.excluded.updated_at}
        ).returning(Contact.id)
    ).scalar_one()
    thread = insert(Conversation).values(
        id=new_id(), org_id=org_id, client_id=client_id, contact_id=contact_id, bot_id=bot_id, channel="web"
    )
    return session.execute(
        thread.on_conflict_do_update(index_elements=["contact_id"], set_={"last_message_at": func.now()}).returning(
            Conversation.id
        )
    ).scalar_one()


def accepted_before(session: Session, *, client_id: UUID, external_id: str, body: str) -> tuple[UUID, UUID]:
    """Return the message and correlation id of a text that was accepted under this external id before.

    Raises KeyReusedError when that was another text.
    """
    row = session.execute(
        select(ThreadMessage.id, ThreadMessage.correlation_id, ThreadMessage.body).where(
            ThreadMessage.client_id == client_id, ThreadMessage.external_id == external_id
        )
    ).one()
    if row.body != body:
        raise KeyReusedError
    return row.id, row.correlation_id
