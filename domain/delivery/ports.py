"""What delivery needs of a provider."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Literal, Protocol
from uuid import UUID


@dataclass(frozen=True, slots=True)
class OutgoingSms:
    """One text message to hand to a provider.

    `attempt_id` identifies the try; `to` and `from_number` are E.164. With both a number and a Messaging Service, the
    number is the sender and the service handles it. `status_callback` is where the provider reports what becomes of it.
    A provider that could not pass it on within `valid_for` does not any more.
    """

    attempt_id: UUID
    org_id: UUID
    client_id: UUID
    to: str = field(repr=False)
    body: str = field(repr=False)
    from_number: str | None
    messaging_service_sid: str | None
    status_callback: str | None
    valid_for: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Accepted:
    """A message that a provider has: its id there, and its status in Twilio's words."""

    provider_id: str
    status: str


@dataclass(frozen=True, slots=True)
class Report:
    """What a provider says of a message when it is asked: its status in Twilio's words, and the code of an error."""

    status: str
    error_code: str | None


class SmsProvider(Protocol):
    """Sends text messages. Thread-safe; a call takes at most some 15 seconds."""

    @property
    def name(self) -> str:
        """The name under which attempts are recorded."""
        ...

    @property
    def account(self) -> str:
        """The account that is called: limits on calls belong to it. No secret; it may be logged."""
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

    def fetch(self, provider_id: str) -> Report | None:
        """Return where a message is; None when the provider does not know it. Errors as of `find`."""
        ...


@dataclass(frozen=True, slots=True)
class OutgoingEmail:
    """One e-mail to hand to a provider. `headers` are added to it, such as `List-Unsubscribe`.

    `sender_name` is the business in whose name it is written, shown beside the sender's address. `client_id` is None
    for the platform's own letters.
    """

    attempt_id: UUID
    org_id: UUID
    client_id: UUID | None
    to: str = field(repr=False)
    subject: str = field(repr=False)
    body: str = field(repr=False)
    html_body: str | None = field(repr=False)
    sender_name: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


ATTEMPT_TAG: Final = "gatehouse-attempt"
"""The name of the tag by which the attempt's id travels with an e-mail and comes back in the provider's events."""


class EmailProvider(Protocol):
    """Sends e-mail. Thread-safe; a call takes at most some 15 seconds."""

    @property
    def name(self) -> str:
        """The name under which attempts are recorded."""
        ...

    @property
    def account(self) -> str:
        """The account that is called, as of `SmsProvider.account`."""
        ...

    def send(self, email: OutgoingEmail) -> Accepted:
        """Hand a message over, once: no retries. Errors as of `SmsProvider.send`.

        `attempt_id` travels with the message (a tag), so that the provider's events prove which attempt it was.
        """
        ...


CameTo = Literal["answered", "throttled", "failed", "refused", "not_called"]


@dataclass(frozen=True, slots=True)
class Held:
    """A call that must not be made now. `until` is when to ask again."""

    until: datetime
    reason: str


class ProviderHealth(Protocol):
    """Whether a provider is to be called now, for this client, and what came of calls. Thread-safe; never raises.

    `account` is the provider's account that is called; a circuit belongs to a provider and a client, a limit on calls
    under way to a provider's account. Shared by all processes; each decides for itself while they can't be reached.
    """

    def admit(self, provider: str, account: str, client_id: UUID) -> Held | None:
        """Ask for one call; None admits it, and `settle` has to follow."""
        ...

    def settle(self, provider: str, account: str, client_id: UUID, came_to: CameTo) -> None:
        """Report an admitted call.

        `answered`: the provider answered, be it with a refusal of this one message; `throttled`: it asked for fewer
        calls at once; `failed`: no answer, or a server error; `refused`: it refuses the account or the sender, so the
        next call would fare no better; `not_called`: it did not come to a call.
        """
        ...
