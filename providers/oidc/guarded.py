"""How the provider is called, for the clients that we use: Requests asks, `providers.webhooks.ask` goes there.

Where its endpoints are a provider says itself, so each call is guarded: no private address unless the settings allow
it, no redirect, no proxy, one answer of bounded size in bounded time.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import requests
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict
from requests.utils import get_encoding_from_headers

from providers.webhooks.ask import Guard, ask
from providers.webhooks.network import CallFailedError

if TYPE_CHECKING:
    from collections.abc import Collection

    from providers.webhooks.addresses import Network

SECONDS: Final = 5.0
"""How long any one answer of the provider is waited for, from the look-up of its name to the answer's last byte."""
LARGEST: Final = 1024 * 1024
"""Bytes of an answer."""


def guard_for(issuer: str, allowed: Collection[Network] = ()) -> Guard:
    """Return under what an issuer and its endpoints are called: by https alone when its own name says so."""
    return Guard(SECONDS, LARGEST, https_only=issuer.startswith("https://"), allowed=allowed)


class GuardedAdapter(BaseAdapter):
    """A transport for sessions of Requests, of which each call is guarded."""

    def __init__(self, guard: Guard) -> None:
        super().__init__()
        self._guard = guard

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,  # noqa: FBT001, FBT002 - as Requests has it
        timeout: float | tuple[float | None, float | None] | None = None,
        verify: bool | str = True,  # noqa: FBT001, FBT002 - as above
        cert: bytes | str | tuple[bytes | str, bytes | str] | None = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """Send a request. Raises `requests.ConnectionError`."""
        del stream, timeout, verify, cert, proxies  # The guard counts.
        body = request.body.encode() if isinstance(request.body, str) else request.body or b""
        if not isinstance(body, bytes):
            raise requests.RequestException("A body that is sent in pieces has no place here.")
        sent = {str(name): str(value) for name, value in request.headers.items()}
        try:
            answer = ask(self._guard, request.method or "GET", request.url or "", sent, body)
        except CallFailedError as error:
            raise requests.ConnectionError(str(error)) from None
        return _response(request, answer.status, dict(answer.headers), answer.body)

    def close(self) -> None:
        """Close nothing: each call had a connection of its own."""


def _response(
    request: requests.PreparedRequest, status: int, headers: dict[str, str], body: bytes
) -> requests.Response:
    response = requests.Response()
    response.status_code = status
    response.headers = CaseInsensitiveDict(headers)
    response.encoding = get_encoding_from_headers(response.headers)
    response.url = request.url or ""
    response.request = request
    # As if it had been streamed and read, which is the only way in.
    vars(response).update(_content=body, _content_consumed=True)
    return response
