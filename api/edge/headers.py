"""Headers of answers: what browsers may do with them, and how much the caller may still ask for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from api.edge.limiter import Standing

Header = tuple[bytes, bytes]

_FOR_ALL: Final[tuple[Header, ...]] = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
)
FOR_PAGES: Final[tuple[Header, ...]] = (
    (
        b"content-security-policy",
        b"default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'; object-src 'none'",
    ),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
    *_FOR_ALL,
)
FOR_DATA: Final[tuple[Header, ...]] = (
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    *_FOR_ALL,
)
HTTPS_ONLY: Final[Header] = (b"strict-transport-security", b"max-age=31536000")


def rate_headers(standings: Sequence[Standing]) -> list[Header]:
    """Return the fields of draft-ietf-httpapi-ratelimit-headers-10: what is allowed, and what is left of it."""
    policies = ", ".join(f'"{one.rate.name}";q={one.rate.quota};w={one.rate.seconds}' for one in standings)
    left = ", ".join(f'"{one.rate.name}";r={one.remaining};t={one.wait}' for one in standings)
    return [(b"ratelimit-policy", policies.encode()), (b"ratelimit", left.encode())]
