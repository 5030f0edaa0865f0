"""The HTTP caller of webhooks: one POST, one connection, no redirect, no retry, no proxy."""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Collection, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Final

import httpcore
import httpx

from domain.webhooks.ports import Answer
from providers.retry_after import retry_after
from providers.webhooks.addresses import Network, refusal
from providers.webhooks.network import CallFailedError, Deadline, GuardedNetwork, Resolve, resolve
from providers.webhooks.target import Target, UnfitUrlError, read

CALL_SECONDS: Final = 15.0
"""From the look-up of the name to the end of the answer, whatever the receiver does."""
_READ_BYTES: Final = 16 * 1024
_READ_SECONDS: Final = 2.0
"""The answer's body says nothing to us. It is read so far, so that a receiver that still writes is not cut off."""


class HttpWebhooks:
    """A WebhookCaller over HTTP/1.1.

    `https_only` for production; `allowed`: networks that may be called though they are private; `ssl_context`: instead
    of the public certificate authorities (or those that `SSL_CERT_FILE` names).
    """

    def __init__(
        self,
        *,
        https_only: bool = True,
        allowed: Collection[Network] = (),
        ssl_context: ssl.SSLContext | None = None,
        resolve: Resolve = resolve,
        call_seconds: float = CALL_SECONDS,
    ) -> None:
        self._https_only = https_only
        self._allowed = allowed
        self._ssl_context = ssl_context
        self._resolve = resolve
        self._call_seconds = call_seconds
        self._lock = threading.Lock()

    def objection(self, url: str) -> str | None:
        """Return why this URL is never called, as far as the URL itself tells."""
        try:
            host = read(url, https_only=self._https_only).host
        except UnfitUrlError as error:
            return str(error)
        try:
            refused = refusal(ip_address(host), self._allowed)
        except ValueError:
            return None  # A name: where it leads is found out at each call.
        if refused is None:
            return None
        hint = "" if self._https_only else " For development, GATEHOUSE_WEBHOOKS__ALLOWED_NETWORKS opens networks."
        return f"That address is never called: {refused}.{hint}"

    def call(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """POST `body`; what came of it is the answer. Never raises."""
        started = time.perf_counter()
        status, wait, error = None, None, None
        try:
            target = read(url, https_only=self._https_only)
            status, asked = self._post(target, headers, body)
            wait = retry_after(asked, datetime.now(UTC))
        except (UnfitUrlError, CallFailedError) as failed:
            error = str(failed)
        except httpcore.ProtocolError:
            error = "The receiver's answer is not HTTP."
        except httpcore.NetworkError:
            error = "The connection to the receiver was lost."
        return Answer(status, round((time.perf_counter() - started) * 1000), error, wait)

    def _post(self, target: Target, headers: Mapping[str, str], body: bytes) -> tuple[int, str | None]:
        """Return the status and the `Retry-After` of the answer."""
        deadline = Deadline(self._call_seconds)
        origin = httpcore.Origin(target.scheme.encode(), target.host.encode(), target.port)
        url = httpcore.URL(scheme=origin.scheme, host=origin.host, port=origin.port, target=target.path)
        sent = {"host": target.authority, "content-length": str(len(body)), "connection": "close", **headers}
        network = GuardedNetwork(deadline, allowed=self._allowed, resolve=self._resolve)
        with (
            httpcore.HTTPConnection(origin, ssl_context=self._context(), network_backend=network) as connection,
            connection.stream("POST", url, headers=list(sent.items()), content=body) as answer,
        ):
            _read_some(answer, deadline)
            asked = next((value for name, value in answer.headers if name.lower() == b"retry-after"), None)
            return answer.status, None if asked is None else asked.decode("latin-1")

    def _context(self) -> ssl.SSLContext:
        # Late and once: loading the authorities takes some 20 ms that most processes need not spend.
        with self._lock:
            if self._ssl_context is None:
                self._ssl_context = httpx.create_ssl_context()
            return self._ssl_context


def _read_some(answer: httpcore.Response, deadline: Deadline) -> None:
    deadline.shorten(_READ_SECONDS)
    count = 0
    # Once there is a status it counts, whatever becomes of the body.
    with suppress(CallFailedError, httpcore.NetworkError, httpcore.ProtocolError):
        for piece in answer.iter_stream():
            count += len(piece)
            if count >= _READ_BYTES:
                return
