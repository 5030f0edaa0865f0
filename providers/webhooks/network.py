"""The network as a webhook may see it: addresses are checked where the connection is made, and time runs out.

A name is resolved once; every address that it leads to is checked; the connection is made to one of those addresses,
not to the name. A name server that answers differently the next moment changes nothing.
"""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from ipaddress import ip_address
from typing import Any, Final

import httpcore

from providers.webhooks.addresses import Address, Network, refusal

CONNECT_SECONDS: Final = 5.0
_SHORTEST: Final = 0.001
Resolve = Callable[[str, int], Sequence[str]]


class CallFailedError(Exception):
    """No answer came, or no call was made; the message says why, without an address."""


def resolve(host: str, port: int) -> Sequence[str]:
    """Return the addresses of a host, in the order in which the system wants them tried. Raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class Deadline:
    """A moment by which all must be done."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def shorten(self, seconds: float) -> None:
        """Let no more than `seconds` be left."""
        self._end = min(self._end, time.monotonic() + seconds)

    def left(self, at_most: float | None = None) -> float:
        """Return the seconds left, no more than `at_most`. Raises CallFailedError when there are none."""
        left = self._end - time.monotonic()
        if left <= _SHORTEST:
            raise CallFailedError("The receiver did not answer in time.")
        return left if at_most is None else min(left, at_most)


class GuardedNetwork(httpcore.NetworkBackend):
    """Makes the one connection of one call. Everything about it ends with `deadline`."""

    def __init__(self, deadline: Deadline, *, allowed: Collection[Network] = (), resolve: Resolve = resolve) -> None:
        self._deadline = deadline
        self._allowed = allowed
        self._resolve = resolve

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to a host. Raises CallFailedError: also when one of its addresses is never called."""
        del timeout, local_address, socket_options  # None of them is used: the deadline counts.
        connecting = Deadline(self._deadline.left(CONNECT_SECONDS))
        addresses = self._addresses(host, port, connecting)
        # The first one may lead nowhere, as IPv6 does on many networks: it leaves time for the next.
        each = CONNECT_SECONDS / min(len(addresses), 2)
        for address in addresses:
            try:
                connected = socket.create_connection((str(address), port), connecting.left(each))
            except OSError:
                continue
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return _Stream(connected, self._deadline)
        raise CallFailedError("No connection to the receiver could be made.")

    def _addresses(self, host: str, port: int, connecting: Deadline) -> Sequence[Address]:
        """Return the addresses of a host, if each of them may be called."""
        found = [ip_address(text) for text in _in_time(lambda: self._resolve(host, port), connecting)]
        for address in found:
            refused = refusal(address, self._allowed)
            if refused is not None:
                raise CallFailedError(f"The receiver's host leads to an address that is never called: {refused}.")
        return found


def _in_time(look_up: Callable[[], Sequence[str]], deadline: Deadline) -> Sequence[str]:
    """Return what a look-up finds. It can't be interrupted, so it runs in a thread that is left behind if need be."""
    found: list[Sequence[str]] = []

    def run() -> None:
        try:
            found.append(look_up())
        except (OSError, UnicodeError):
            found.append([])

    thread = threading.Thread(target=run, name="webhook-resolve", daemon=True)
    thread.start()
    thread.join(deadline.left())
    if not found:
        raise CallFailedError("The receiver's host could not be looked up in time.")
    if not found[0]:
        raise CallFailedError("The receiver's host has no address.")
    return found[0]


class _Stream(httpcore.NetworkStream):
    """A connection whose every step has the time that is left of the whole, not a time of its own."""

    def __init__(self, connected: socket.socket, deadline: Deadline) -> None:
        self._socket = connected
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Read some bytes; none at the end."""
        self._socket.settimeout(self._deadline.left(timeout))
        try:
            return self._socket.recv(max_bytes)
        except TimeoutError:
            raise CallFailedError("The receiver did not answer in time.") from None
        except OSError as error:
            raise httpcore.ReadError(type(error).__name__) from None

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Write all bytes."""
        rest = memoryview(buffer)
        while rest:
            self._socket.settimeout(self._deadline.left(timeout))
            try:
                rest = rest[self._socket.send(rest) :]
            except TimeoutError:
                raise CallFailedError("The receiver did not take the call in time.") from None
            except OSError as error:
                # The client goes on to read: a receiver may answer before it has read everything.
                raise httpcore.WriteError(type(error).__name__) from None

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        """Begin TLS and check the receiver's certificate against its name."""
        self._socket.settimeout(self._deadline.left(timeout))
        try:
            secured = ssl_context.wrap_socket(self._socket, server_hostname=server_hostname)
        except ssl.SSLCertVerificationError as error:
            self.close()
            raise CallFailedError(f"The receiver's certificate is not valid: {_why(error)}.") from None
        except OSError:
            self.close()
            raise CallFailedError("No TLS connection to the receiver could be made.") from None
        return _Stream(secured, self._deadline)

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()

    def get_extra_info(self, info: str) -> Any:  # noqa: ANN401  # as the base class has it
        """Return the TLS object, which tells the client that HTTP/2 was not chosen; nothing else is asked for."""
        return self._socket if info == "ssl_object" and isinstance(self._socket, ssl.SSLSocket) else None


def _why(error: ssl.SSLCertVerificationError) -> str:
    """Return what is wrong with a certificate, without the host's name."""
    return error.verify_message.partition(",")[0].rstrip(".") or "it could not be checked"
