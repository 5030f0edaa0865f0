"""Which pages a bot may stand on: origins as a browser names them (RFC 6454)."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Final
from urllib.parse import SplitResult, urlsplit

from domain.clients.errors import UnfitClientError

SELF: Final = "self"
"""Our own pages."""
_STANDARD: Final = {"https": 443, "http": 80}
_LONGEST: Final = 300


def fit_origin(text: str) -> str:
    """Return an origin as a browser sends it: scheme, host in ASCII and lower case, and a port that is not standard.

    Pages of others have to be https; http is for a developer's own machine alone.

    Raises:
        UnfitClientError: it is no origin, or a page on it could be changed by whoever is in between.

    """
    text = text.strip()
    if text == SELF:
        return SELF
    parts = _split(text)
    if parts is None or parts.scheme not in _STANDARD or not parts.hostname or "@" in parts.netloc:
        raise UnfitClientError("Write an origin as scheme and host, as in https://www.example.com.")
    if parts.path not in {"", "/"} or parts.query or parts.fragment:
        raise UnfitClientError("An origin has no path: a bot stands on all pages of a site, or on none.")
    host = _ascii(parts.hostname)
    if parts.scheme == "http" and not _is_here(host):
        raise UnfitClientError("Pages with a chat have to begin with https://.")
    port = "" if parts.port in {None, _STANDARD[parts.scheme]} else f":{parts.port}"
    return f"{parts.scheme}://{host}{port}"


def _split(text: str) -> SplitResult | None:
    if len(text) > _LONGEST or not text.isprintable() or any(c in text for c in ' \\*"<>'):
        return None
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return None
    return None if port == 0 else parts


def _ascii(host: str) -> str:
    if ":" in host:
        return f"[{host}]"
    try:
        name = host.encode("idna").decode("ascii").lower()
    except UnicodeError:
        name = ""
    labels = name.removesuffix(".").split(".")
    if not all(label.replace("-", "").replace("_", "").isalnum() for label in labels):
        raise UnfitClientError("That host name can't be one.")
    return name


def _is_here(host: str) -> bool:
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"
