"""Fetch an issuer's key set: one GET of a small document, guarded like every call to an address from outside."""

from __future__ import annotations

import ssl
from collections.abc import Collection
from typing import Final

from providers.webhooks.addresses import Network
from providers.webhooks.ask import Guard, ask
from providers.webhooks.network import CallFailedError, Resolve, resolve

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
        self._guard = Guard(seconds, LARGEST, https_only, allowed, ssl_context, resolve)

    def __call__(self) -> bytes:
        """Return the document. Raises CallFailedError, which says why without an address."""
        answer = ask(self._guard, "GET", self._url, {"accept": "application/json"})
        if answer.status != _OK:
            raise CallFailedError(f"The issuer answered {answer.status}.")
        return answer.body
