"""What the client's exceptions mean: surely not sent, or nobody knows."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Final

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    ParamValidationError,
    PartialCredentialsError,
    ProxyConnectionError,
    SSLError,
    TokenRetrievalError,
    UnauthorizedSSOTokenError,
)

from domain.delivery.errors import OutcomeUnknownError, ProviderRejectedError
from providers.retry_after import retry_after

# No request leaves without a connection.
_NEVER_LEFT: Final = (ConnectTimeoutError, EndpointConnectionError, ProxyConnectionError)
_NO_CREDENTIALS: Final = (
    NoCredentialsError,
    PartialCredentialsError,
    TokenRetrievalError,
    UnauthorizedSSOTokenError,
)

# SES answers some of these with 400; they are no fault of the request.
_THROTTLED: Final = {"LimitExceededException", "Throttling", "ThrottlingException", "TooManyRequestsException"}


def as_ours(error: Exception) -> ProviderRejectedError | OutcomeUnknownError:
    """Return what an exception of the client says about the e-mail that was being sent."""
    if isinstance(error, ClientError):
        return _answered(error)
    if isinstance(error, _NO_CREDENTIALS):
        return ProviderRejectedError("There are no usable AWS credentials.", name="NoCredentials", http_status=403)
    if isinstance(error, ParamValidationError):
        return ProviderRejectedError("The request has not the form that SES takes.", name="BadRequestException")
    if isinstance(error, _NEVER_LEFT) or _untrusted(error):
        return ProviderRejectedError("No connection to the provider could be made.")
    said = type(error).__name__ if isinstance(error, BotoCoreError) else f"unexpected {type(error).__name__}"
    return OutcomeUnknownError(f"The provider's answer was lost ({said}).")


def _answered(error: ClientError) -> ProviderRejectedError | OutcomeUnknownError:
    said = error.response.get("Error", {})
    meta = error.response.get("ResponseMetadata", {})
    # Some errors are named with their namespace: "com.amazon…#Throttling".
    status, name = meta.get("HTTPStatusCode", 0), said.get("Code", "").rpartition("#")[2]
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or not status:
        return OutcomeUnknownError(f"The provider had an internal error ({status}).")
    return ProviderRejectedError(
        said.get("Message", ""),
        name=name or None,
        http_status=429 if name in _THROTTLED else status,
        retry_after=retry_after(meta.get("HTTPHeaders", {}).get("retry-after"), datetime.now(UTC)),
    )


def _untrusted(error: Exception) -> bool:
    """Return whether the server's certificate was refused, so that nothing was sent to it."""
    cause: BaseException | None = error
    while isinstance(error, SSLError) and cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return True
        cause = cause.__cause__ or cause.__context__
    return False
