"""What may be offered as a booking link."""

from __future__ import annotations

from enum import StrEnum
from ipaddress import ip_address
from typing import Final
from urllib.parse import SplitResult, urlsplit

MAX_URL_LENGTH: Final = 2048
_MAX_LABEL_LENGTH: Final = 63


class BookingUrl(StrEnum):
    """What a booking URL was found to be; only `VALID` may be sent to anyone."""

    VALID = "valid"
    MISSING = "missing"
    MALFORMED = "malformed"
    NOT_HTTPS = "not_https"
    NO_PUBLIC_HOST = "no_public_host"
    HAS_CREDENTIALS = "has_credentials"


def check_booking_url(url: str | None) -> BookingUrl:
    """Judge a booking URL: an absolute HTTPS address of an outside page, with no user or password in it.

    Characters that browsers and parsers read differently (white space, control characters, backslashes) are refused, so
    that the host judged here is the host that a browser opens. The page itself is not fetched.
    """
    if url is None or not url.strip():
        return BookingUrl.MISSING
    parts = _split(url)
    if parts is None:
        return BookingUrl.MALFORMED
    if parts.scheme != "https":
        return BookingUrl.NOT_HTTPS
    if "@" in parts.netloc:
        return BookingUrl.HAS_CREDENTIALS
    return BookingUrl.VALID if _is_public(parts.hostname or "") else BookingUrl.NO_PUBLIC_HOST


def _split(url: str) -> SplitResult | None:
    if len(url) > MAX_URL_LENGTH or "\\" in url or any(c.isspace() or not c.isprintable() for c in url):
        return None
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    return None if port == 0 else parts


def _is_public(host: str) -> bool:
    """Tell whether a host is one that a customer's browser can reach: a dotted name or a public IP address."""
    try:
        return ip_address(host).is_global
    except ValueError:
        pass
    try:
        labels = host.encode("idna").decode("ascii").removesuffix(".").split(".")
    except UnicodeError:
        return False
    # A last label of digits alone is an IP address in a spelling that browsers accept and parsers differ on.
    return len(labels) > 1 and all(_is_label(label) for label in labels) and not labels[-1].isdigit()


def _is_label(label: str) -> bool:
    return 0 < len(label) <= _MAX_LABEL_LENGTH and label.replace("-", "").isalnum() and "-" not in (label[0], label[-1])
