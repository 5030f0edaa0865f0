"""E-mail that goes nowhere but into a table, where the sandbox mailbox shows it."""

from __future__ import annotations

from typing import Final

from sqlalchemy.dialects.postgresql import insert

from domain.delivery.ports import Accepted, OutgoingEmail
from domain.kernel.database import Database
from providers.mailbox import sender
from providers.sandbox.models import SandboxMail

_DELIVERED: Final = "delivered"
"""Nobody reports later on what the sandbox sent, so it says at once how it ended."""
_ADDRESS: Final = "gatehouse@sandbox.invalid"


class SandboxEmail:
    """Implements `domain.delivery.ports.EmailProvider` on a table of its own, in its own transactions."""

    name = "sandbox"
    account = "sandbox"

    def __init__(self, database: Database, from_address: str | None = None) -> None:
        self._database = database
        self._from_address = from_address or _ADDRESS

    def send(self, email: OutgoingEmail) -> Accepted:
        """Store the e-mail once for this attempt."""
        accepted = Accepted(f"SE{email.attempt_id.hex}", _DELIVERED)
        statement = insert(SandboxMail).values(
            attempt_id=email.attempt_id,
            org_id=email.org_id,
            client_id=email.client_id,
            provider_id=accepted.provider_id,
            to_address=email.to,
            from_address=sender(self._from_address, email.sender_name),
            subject=email.subject,
            body=email.body,
            html_body=email.html_body,
            headers=dict(email.headers),
        )
        with self._database.tenant_scope(email.org_id) as session:
            session.execute(statement.on_conflict_do_nothing(index_elements=["attempt_id"]))
        return accepted
