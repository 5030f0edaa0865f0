"""What can go wrong with endpoints and with telling them."""

from __future__ import annotations

from domain.kernel.errors import ConflictError, GatehouseError, InvalidInputError, NotFoundError


class EndpointNotFoundError(NotFoundError):
    """There is no such webhook endpoint."""


class SendNotFoundError(NotFoundError):
    """There is no such send of a webhook; it may have gone with its endpoint."""

    permanent = True


class EndpointDisabledError(ConflictError):
    """The endpoint is disabled. Enable it first; what it missed can then be replayed."""


class TooManyEndpointsError(ConflictError):
    """The organization has as many endpoints as it may have. Delete one that is not needed."""


class UnfitEndpointError(InvalidInputError):
    """The endpoint can't be as it was described; the message says what to change."""


class SecretUnreadableError(GatehouseError):
    """The endpoint's secret can't be read: GATEHOUSE_SECRET_KEY was changed. Rotate the endpoint's secret."""
