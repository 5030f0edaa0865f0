"""Fetch an issuer's key set: one GET of a small document, guarded like every call to an address from outside."""

from __future__ import annotations

import ssl
from collections.abc import Collection
from typing import Final

import httpcore
import httpx

from providers.webhooks.addresses import Network
from providers.webhooks.network import CallFailedError, Deadline, GuardedNetwork, Resolve, resolve
from providers.webhooks.target import Target, UnfitUrlError, read

FETCH_SECONDS: Final = 5.0
"""From the look-up of the name to the end of the answer."""
LARGEST: Final = 64 * 1024
_OK: Final = 200


class KeySetFetcher:
    """Fetches the document at the URL that the settings name; no redirect is followed and no proxy used.

    `allowed`: private networks that the issuer may be in; `ssl_context`: instead of the public authorities.
    """

    def __init__(
        self,
        url: str,
        *,
        https_only: bool = True,
        allowed: Collection[Network] = (),
        ssl_context: ssl.SSLContext | None = None,
        resolve: Resolve = resolve,
        seconds: float = FETCH_SECONDS,
    ) -> None:
        self._url = url
        self._https_only = https_only
        self._allowed = allowed
        self._ssl_context = ssl_context
        self._resolve = resolve
        self._seconds = seconds

    def __call__(self) -> bytes:
        """Return the document. Raises CallFailedError, which says why without an address."""
        try:
            return self._get(read(self._url, https_only=self._https_only))
        except UnfitUrlError as error:
            raise CallFailedError(str(error)) from None
        except (httpcore.ProtocolError, httpcore.NetworkError) as error:
            raise CallFailedError(f"The issuer's answer could not be read: {type(error).__name__}.") from None

    def _get(self, target: Target) -> bytes:
        origin = httpcore.Origin(target.scheme.encode(), target.host.encode(), target.port)
        url = httpcore.URL(scheme=origin.scheme, host=origin.host, port=origin.port, target=target.path)
        sent = [("host", target.authority), ("accept", "application/json"), ("connection", "close")]
        network = GuardedNetwork(Deadline(self._seconds), allowed=self._allowed, resolve=self._resolve)
        context = self._ssl_context or httpx.create_ssl_context()
        with (
            httpcore.HTTPConnection(origin, ssl_context=context, network_backend=network) as connection,
            connection.stream("GET", url, headers=sent) as answer,
        ):
            if answer.status != _OK:
                raise CallFailedError(f"The issuer answered {answer.status}.")
            document = b""
            for piece in answer.iter_stream():
                document += piece
                if len(document) > LARGEST:
                    raise CallFailedError(f"The issuer's key set is larger than {LARGEST} bytes.")
            return document
