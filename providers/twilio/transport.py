"""How Twilio's client reaches the network: pooled connections, time limits, one host, no retries, typed errors."""

from __future__ import annotations

import json
import logging
import ssl
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from twilio.http.http_client import TwilioHttpClient
from twilio.http.response import Response
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

from domain.delivery.errors import OutcomeUnknownError, ProviderRejectedError
from providers.retry_after import retry_after

CONNECT_SECONDS: Final = 5.0
READ_SECONDS: Final = 10.0


class TwilioTransport(TwilioHttpClient):  # type: ignore[misc]  # the client ships no types
    """Sends every request of the client to `base_url`, whatever host, region or edge the client chose.

    The client's own request hooks log telephone numbers, and its exceptions drop the answer's headers; so requests are
    made here. An answer that is not a success raises ProviderRejectedError with all that it said; an answer that did
    not come raises OutcomeUnknownError, unless no connection was made.
    """

    def __init__(
        self,
        base_url: str,
        *,
        pool_size: int = 32,
        connect_seconds: float = CONNECT_SECONDS,
        read_seconds: float = READ_SECONDS,
    ) -> None:
        super().__init__()
        # At debug level this one writes whole query strings, with the numbers in them.
        logging.getLogger("urllib3.connectionpool").setLevel(logging.INFO)
        self._base = base_url.rstrip("/")
        self._limits = (connect_seconds, read_seconds)
        self._session = requests.Session()
        for scheme in ("https://", "http://"):
            self._session.mount(scheme, HTTPAdapter(pool_maxsize=pool_size, max_retries=0))

    def request(
        self,
        method: str,
        url: str,
        params: Mapping[str, str | int] | None = None,
        data: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        timeout: float | None = None,
        allow_redirects: bool = False,  # noqa: FBT001, FBT002  # the client's signature
    ) -> Response:
        """Make one request. `timeout` and `allow_redirects` are the client's to pass, and not followed."""
        del timeout, allow_redirects
        parts = urlsplit(url)
        target = f"{self._base}{parts.path}" + (f"?{parts.query}" if parts.query else "")
        try:
            answer = self._session.request(
                method, target, params, data, headers, auth=auth, timeout=self._limits, allow_redirects=False
            )
        except requests.RequestException as error:
            if _never_left(error):
                raise ProviderRejectedError("No connection to the provider could be made.") from None
            raise OutcomeUnknownError(f"The provider's answer was lost ({type(error).__name__}).") from None
        if not answer.ok or answer.is_redirect:
            raise _rejection(answer)
        return Response(answer.status_code, answer.text, answer.headers)


def _never_left(error: requests.RequestException) -> bool:
    """Return whether the request surely did not reach the provider, as no connection (or no TLS) was made."""
    reason = getattr(error.args[0] if error.args else None, "reason", None)
    inner = reason.args[-1] if isinstance(reason, Exception) and reason.args else None
    return isinstance(error, requests.ConnectTimeout) or any(
        isinstance(part, (NewConnectionError, ConnectTimeoutError, ssl.SSLCertVerificationError))
        for part in (reason, inner)
    )


def _rejection(answer: requests.Response) -> ProviderRejectedError:
    try:
        body = json.loads(answer.text)
    except ValueError:
        body = None
    fields = body if isinstance(body, dict) else {}
    code = fields.get("code")
    text = fields.get("message") or fields.get("detail") or fields.get("title") or answer.reason or ""
    return ProviderRejectedError(
        str(text),
        code=code if isinstance(code, int) else None,
        http_status=answer.status_code,
        retry_after=retry_after(answer.headers.get("Retry-After"), datetime.now(UTC)),
    )
