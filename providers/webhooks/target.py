"""Read a URL once, strictly: what is checked is what is called, with no second reader to disagree."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import Final
from urllib.parse import urlsplit

_DEFAULT_PORTS: Final = {"https": 443, "http": 80}
_FIRST_UNPRIVILEGED: Final = 1024
_LONGEST_URL: Final = 2048
_LONGEST_HOST: Final = 253
_HOST = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)(\.(?!-)[a-z0-9_-]{1,63}(?<!-))*")
_NUMBER = re.compile(r"0x[0-9a-f]*|[0-9]+")
_VISIBLE = re.compile(r"[\x21-\x7e]+")


class UnfitUrlError(ValueError):
    """A URL that is never called; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a call goes. `host`: a name or an address, IPv6 without brackets; `path`: with the query."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """The `Host` header: with the port unless it is the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"


def read(url: str, *, https_only: bool) -> Target:
    """Return where `url` leads. Raises UnfitUrlError, whose message repeats nothing of the URL."""
    if len(url) > _LONGEST_URL:
        raise UnfitUrlError(f"The URL is longer than {_LONGEST_URL} characters.")
    if not _VISIBLE.fullmatch(url) or "\\" in url:
        raise UnfitUrlError(
            "The URL has characters that do not belong into one: percent-encode them, and write"
            " the host in ASCII (xn--…)."
        )
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise UnfitUrlError("That is not a URL that can be read.") from None
    if parts.scheme not in _DEFAULT_PORTS or (https_only and parts.scheme != "https"):
        raise UnfitUrlError(
            "The URL must begin with https://." if https_only else "The URL must begin with https:// or http://."
        )
    if "@" in parts.netloc:
        raise UnfitUrlError("The URL must hold no user and no password: the signature proves who calls.")
    if parts.fragment or "#" in url:
        raise UnfitUrlError("The URL must have no fragment (#…): it would never be sent.")
    number = _DEFAULT_PORTS[parts.scheme] if port is None else port
    if number not in _DEFAULT_PORTS.values() and number < _FIRST_UNPRIVILEGED:
        raise UnfitUrlError("The port must be 443, 80 or at least 1024.")
    path = parts.path or "/"
    return Target(parts.scheme, _host(host), number, f"{path}?{parts.query}" if parts.query else path)


def _host(host: str) -> str:
    """Return the host in its one form. Numbers in any other form than four decimal ones are no name and no address."""
    try:
        if ":" in host and "%" not in host:
            return str(IPv6Address(host))
        if _NUMBER.fullmatch(host.rpartition(".")[2]):
            return str(IPv4Address(host))
    except AddressValueError:
        raise UnfitUrlError("The URL's host is not an address that can be read.") from None
    if len(host) > _LONGEST_HOST or not _HOST.fullmatch(host):
        raise UnfitUrlError("The URL's host is not a name that can be looked up; write it in ASCII (xn--…).")
    return host
