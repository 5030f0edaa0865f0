"""Opt-out keywords: a contact's word about being written to counts before anything else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from domain.conversations.messages import ProcessMessages
from domain.conversations.thread import Waiting, mark_processed
from domain.delivery.opt_outs import is_opted_out, record_opt_out, remove_opt_out
from domain.delivery.policy import keyword

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


def apply_keywords(
    session: Session, message: ProcessMessages, org_id: UUID, waiting: Sequence[Waiting]
) -> Sequence[Waiting]:
    """Obey keywords in order of arrival and return the messages that are none.

    Twilio itself answers STOP, START and HELP, so a keyword gets no reply from us. "YES" is an answer to a question,
    unless the contact had opted out.
    """
    if message.channel != "sms":
        return waiting
    rest: list[Waiting] = []
    for one in waiting:
        match keyword(one.body):
            case "stop":
                record_opt_out(
                    session,
                    org_id=org_id,
                    client_id=message.client_id,
                    channel="sms",
                    address=message.address,
                    source="keyword",
                )
                mark_processed(session, [one], "opted_out")
            case "start" if is_opted_out(session, message.client_id, "sms", message.address):
                remove_opt_out(session, message.client_id, "sms", message.address)
                mark_processed(session, [one], "opted_in")
            case "help":
                mark_processed(session, [one], "help")
            case _:
                rest.append(one)
    return rest
