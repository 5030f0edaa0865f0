"""What can go wrong between asking for a delivery and knowing that a provider took it."""

from __future__ import annotations

from datetime import timedelta

from domain.kernel.errors import GatehouseError, InvalidInputError


class UndeliverableError(InvalidInputError):
    """A delivery that no provider would take; nothing was stored."""


class UnreadableReportError(InvalidInputError):
    """Not a report of a provider, or not in a form that is known."""


class ProviderRejectedError(GatehouseError):
    """The provider was reached and did not take the message, or could not be reached at all: it was not sent.

    `code` is the provider's own number for what went wrong, `name` its own name for it; each None when there is none.
    `http_status` is 0 when no answer came because no connection was made. `retry_after` is the least wait that the
    provider asked for. `message` is its text, unredacted.
    """

    def __init__(
        self,
        message: str,
        *,
        code: int | None = None,
        name: str | None = None,
        http_status: int = 0,
        retry_after: timedelta | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.name = name
        self.http_status = http_status
        self.retry_after = retry_after


class OutcomeUnknownError(GatehouseError):
    """The provider may or may not have taken the message: the answer was lost, or says nothing."""
