"""How a recipient ends the e-mails of a business by one click (RFC 8058), and what that does."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final, Protocol
from uuid import UUID

from sqlalchemy import select

from domain.clients.models import Client
from domain.delivery.email_templates import UNSUBSCRIBE_HERE
from domain.delivery.opt_outs import is_opted_out, record_opt_out
from domain.delivery.ports import OutgoingEmail
from domain.kernel.database import Database

_ON_REQUEST: Final = frozenset({"test"})
"""Purposes of what somebody asked for this once; everything else recurs, or goes to a contact."""


@dataclass(frozen=True, slots=True)
class Subscriber:
    """An address that one business writes to."""

    org_id: UUID
    client_id: UUID
    address: str = field(repr=False)


class UnsubscribeLinks(Protocol):
    """Makes links that end e-mails, and reads them. A link shows nobody whose it is, and nobody else can make one."""

    def url(self, subscriber: Subscriber) -> str:
        """Return the address of the page that ends the e-mails of a business to this subscriber."""
        ...

    def read(self, token: str) -> Subscriber | None:
        """Return whose token it is; None for what is no token of ours."""
        ...


def with_way_out(email: OutgoingEmail, purpose: str, links: UnsubscribeLinks) -> OutgoingEmail:
    """Return an e-mail with the headers by which mail programs offer to end such e-mails, and the link in its words.

    What was asked for once stays as it is, and so does what is no client's.
    """
    if purpose in _ON_REQUEST or email.client_id is None:
        return email
    url = links.url(Subscriber(email.org_id, email.client_id, email.to))
    way_out = {"List-Unsubscribe": f"<{url}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}
    return replace(
        email,
        body=email.body.replace(UNSUBSCRIBE_HERE, url),
        html_body=None if email.html_body is None else email.html_body.replace(UNSUBSCRIBE_HERE, url),
        headers={**email.headers, **way_out},
    )


def business_of(database: Database, subscriber: Subscriber) -> tuple[str, bool] | None:
    """Return the business's name and whether its e-mails to the subscriber have ended; None when it is gone."""
    with database.tenant_scope(subscriber.org_id) as session:
        name = session.scalar(select(Client.name).where(Client.id == subscriber.client_id))
        if name is None:
            return None
        return name, is_opted_out(session, subscriber.client_id, "email", subscriber.address)


def unsubscribe(database: Database, subscriber: Subscriber) -> bool:
    """End the e-mails of a business to an address; return False when they had ended, or the business is gone."""
    with database.tenant_scope(subscriber.org_id) as session:
        if session.scalar(select(Client.id).where(Client.id == subscriber.client_id)) is None:
            return False
        return record_opt_out(
            session,
            org_id=subscriber.org_id,
            client_id=subscriber.client_id,
            channel="email",
            address=subscriber.address,
            source="unsubscribe",
        )
