"""One request to an address from outside, its answer read whole: guarded, bounded in size and time, not redirected."""

from __future__ import annotations

import ssl
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import httpcore
import httpx

from providers.webhooks.addresses import Network
from providers.webhooks.network import CallFailedError, Deadline, GuardedNetwork, Resolve, resolve
from providers.webhooks.target import UnfitUrlError, read


@dataclass(frozen=True, slots=True)
class Guard:
    """Under what an address is asked.

    `seconds`: from the look-up of the name to the end of the answer; `largest`: bytes of that. `allowed`: private
    networks that it may be in all the same; `ssl_context`: instead of the public authorities.
    """

    seconds: float
    largest: int
    https_only: bool = True
    allowed: Collection[Network] = ()
    ssl_context: ssl.SSLContext | None = None
    resolve: Resolve = resolve


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; names of headers in lower case."""

    status: int
    headers: Sequence[tuple[str, str]]
    body: bytes = field(repr=False)


def ask(guard: Guard, method: str, url: str, headers: Mapping[str, str], body: bytes = b"") -> Answer:
    """Send a request and return what it was answered, a redirect as well.

    Raises CallFailedError, which says why there is no answer without repeating an address.
    """
    try:
        return _ask(guard, method, url, headers, body)
    except UnfitUrlError as error:
        raise CallFailedError(str(error)) from None
    except (httpcore.ProtocolError, httpcore.NetworkError) as error:
        raise CallFailedError(f"The answer could not be read: {type(error).__name__}.") from None


def _ask(guard: Guard, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
    target = read(url, https_only=guard.https_only)
    origin = httpcore.Origin(target.scheme.encode(), target.host.encode(), target.port)
    place = httpcore.URL(scheme=origin.scheme, host=origin.host, port=origin.port, target=target.path)
    # A compressed answer would be larger than it looks.
    ours = {"host": target.authority, "connection": "close", "accept-encoding": "identity"}
    if body:
        ours["content-length"] = str(len(body))
    sent = {name.lower(): value for name, value in headers.items()} | ours
    network = GuardedNetwork(Deadline(guard.seconds), allowed=guard.allowed, resolve=guard.resolve)
    context = guard.ssl_context or httpx.create_ssl_context()
    with (
        httpcore.HTTPConnection(origin, ssl_context=context, network_backend=network) as connection,
        connection.stream(method, place, headers=list(sent.items()), content=body or None) as answer,
    ):
        found = b""
        for piece in answer.iter_stream():
            found += piece
            if len(found) > guard.largest:
                raise CallFailedError(f"The answer is larger than {guard.largest} bytes.")
        return Answer(answer.status, [_text(header) for header in answer.headers], found)


def _text(header: tuple[bytes, bytes]) -> tuple[str, str]:
    name, value = header
    return name.decode("latin-1").lower(), value.decode("latin-1")
