"""Text messages that go nowhere but into a table, where the sandbox phone shows them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from domain.delivery.errors import ProviderRejectedError
from domain.delivery.ports import Accepted, OutgoingSms, Report
from domain.kernel.database import Database
from providers.sandbox.models import SandboxMessage

_DELIVERED: Final = "delivered"
"""Nobody reports later on what the sandbox sent, so it says at once how it ended."""
_NO_SENDER: Final = 21703

Wake = Callable[[UUID], None]
"""Called with the client after a text was "sent" and committed. It must not raise."""


class SandboxSms:
    """Implements `domain.delivery.ports.SmsProvider` on a table of its own, in its own transactions."""

    name = "sandbox"
    account = "sandbox"

    def __init__(self, database: Database, wake: Wake) -> None:
        self._database = database
        self._wake = wake

    def send(self, sms: OutgoingSms) -> Accepted:
        """Store the text once for this attempt. Raises ProviderRejectedError (21703) without a sender."""
        sender = sms.from_number or sms.messaging_service_sid
        if sender is None:
            raise ProviderRejectedError("There is no sender.", code=_NO_SENDER, http_status=400)
        accepted = Accepted(f"SB{sms.attempt_id.hex}", _DELIVERED)
        statement = insert(SandboxMessage).values(
            attempt_id=sms.attempt_id,
            org_id=sms.org_id,
            client_id=sms.client_id,
            provider_id=accepted.provider_id,
            to_address=sms.to,
            from_address=sender,
            body=sms.body,
        )
        with self._database.tenant_scope(sms.org_id) as session:
            session.execute(statement.on_conflict_do_nothing(index_elements=["attempt_id"]))
        self._wake(sms.client_id)
        return accepted

    def find(self, sms: OutgoingSms, since: datetime) -> Sequence[Accepted]:
        """Return the text that this attempt stored, if it did."""
        del since
        statement = select(SandboxMessage.provider_id).where(SandboxMessage.attempt_id == sms.attempt_id)
        with self._database.tenant_scope(sms.org_id) as session:
            return [Accepted(provider_id, _DELIVERED) for provider_id in session.scalars(statement)]

    def fetch(self, provider_id: str) -> Report | None:
        """Return that a text was delivered, if it was stored; the attempt that stored it names its organization."""
        statement = select(SandboxMessage.provider_id).where(SandboxMessage.provider_id == provider_id)
        with self._database.platform_scope() as session:
            return None if session.scalar(statement) is None else Report(_DELIVERED, None)
