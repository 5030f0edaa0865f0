"""What sending needs beside the delivery, and the one call to a provider that a run may have under way."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from types import TracebackType
from typing import Self
from uuid import UUID

from domain.delivery.errors import ProviderRejectedError
from domain.delivery.policy import TREATMENTS, ErrorClass
from domain.delivery.ports import (
    Accepted,
    CameTo,
    EmailProvider,
    Held,
    OutgoingEmail,
    OutgoingSms,
    ProviderHealth,
    SmsProvider,
)
from domain.delivery.unsubscribe import UnsubscribeLinks
from domain.kernel.clock import Clock

Outgoing = OutgoingSms | OutgoingEmail


@dataclass(frozen=True, slots=True)
class Means:
    """The ports of sending. `public_url`: where providers report to, no slash at the end.

    `unsubscribe` makes the links by which recipients of e-mail end it.
    """

    sms: SmsProvider
    email: EmailProvider
    health: ProviderHealth
    clock: Clock
    public_url: str
    unsubscribe: UnsubscribeLinks

    def provider_of(self, channel: str) -> SmsProvider | EmailProvider:
        """Return what sends over a channel."""
        return self.email if channel == "email" else self.sms

    def hand_over(self, outgoing: Outgoing) -> Accepted:
        """Call the provider for one message; errors as of the ports."""
        return self.sms.send(outgoing) if isinstance(outgoing, OutgoingSms) else self.email.send(outgoing)


def unreached(error: ProviderRejectedError) -> bool:
    """Return whether no connection to the provider could be made."""
    return error.http_status == 0 and error.name is None


def came_to(error: ProviderRejectedError, error_class: ErrorClass) -> CameTo:
    """Return what a refusal tells about the provider's health."""
    if error.http_status == HTTPStatus.TOO_MANY_REQUESTS:
        return "throttled"
    if unreached(error) or error.http_status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return "failed"
    return "refused" if TREATMENTS[error_class].action == "hold" else "answered"


class Admission:
    """The calls of one run, one after the other: each is asked for, and settled whatever happens.

    A context manager: what was admitted and came to no call, because the run was lost or a commit failed, is given back
    at its end.
    """

    def __init__(self, means: Means) -> None:
        self._means = means
        self._under_way: tuple[str, str, UUID] | None = None

    def ask(self, channel: str, client_id: UUID) -> Held | None:
        """Ask for a call to the provider of a channel; None admits it."""
        provider = self._means.provider_of(channel)
        call = (provider.name, provider.account, client_id)
        held = self._means.health.admit(*call)
        if held is None:
            self._under_way = call
        return held

    def settle(self, came_to: CameTo) -> None:
        """Say what came of the admitted call."""
        call, self._under_way = self._under_way, None
        if call is not None:
            self._means.health.settle(*call, came_to)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.settle("not_called")
