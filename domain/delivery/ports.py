"""What delivery needs of a provider."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from uuid import UUID


@dataclass(frozen=True, slots=True)
class OutgoingSms:
    """One text message to hand to a provider.

    `attempt_id` identifies the try; `to` and `from_number` are E.164. With both a number and a Messaging Service, the
    number is the sender and the service handles it. `status_callback` is where the provider reports what becomes of it.
    """

    attempt_id: UUID
    org_id: UUID
    client_id: UUID
    to: str = field(repr=False)
    body: str = field(repr=False)
    from_number: str | None
    messaging_service_sid: str | None
    status_callback: str | None


@dataclass(frozen=True, slots=True)
class Accepted:
    """A message that a provider has: its id there, and its status in Twilio's words."""

    provider_id: str
    status: str


class SmsProvider(Protocol):
    """Sends text messages. Thread-safe; a call takes at most some 15 seconds."""

    @property
    def name(self) -> str:
        """The name under which attempts are recorded."""
        ...

    def send(self, sms: OutgoingSms) -> Accepted:
        """Hand a message over, once: no retries.

        Raises ProviderRejectedError when it was surely not sent, and OutcomeUnknownError when that can't be told.
        """
        ...

    def find(self, sms: OutgoingSms, since: datetime) -> Sequence[Accepted]:
        """Return the messages that may be this one, taken at `since` or later, oldest first.

        A provider that keeps no reference of ours can only compare sender, recipient and text: the caller leaves out
        what belongs to other attempts. Raises ProviderRejectedError or OutcomeUnknownError when it can't be told.
        """
        ...
