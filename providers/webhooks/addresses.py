"""Which addresses are never called, whatever name leads to them.

From IANA's registries of special-purpose addresses (RFC 6890 and its successors); for IPv6 the other way round: only
what is assigned for the public Internet may be called. Not Python's `is_global`: what it says of embedded and of shared
addresses differs between the releases of Python that this runs on.
"""

from __future__ import annotations

from collections.abc import Collection
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network
from typing import Final

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_REFUSED_V4: Final = {
    IPv4Network(network): what
    for network, what in {
        "0.0.0.0/8": "this host",
        "10.0.0.0/8": "a private network",
        "100.64.0.0/10": "a carrier's shared network",
        "127.0.0.0/8": "this host",
        "168.63.129.16/32": "a cloud's internal services",
        "169.254.0.0/16": "a link-local network",
        "172.16.0.0/12": "a private network",
        "192.0.0.0/24": "reserved",
        "192.0.2.0/24": "an example for documentation",
        "192.31.196.0/24": "reserved",
        "192.52.193.0/24": "reserved",
        "192.88.99.0/24": "a relay of 6to4",
        "192.168.0.0/16": "a private network",
        "192.175.48.0/24": "reserved",
        "198.18.0.0/15": "a network for benchmarks",
        "198.51.100.0/24": "an example for documentation",
        "203.0.113.0/24": "an example for documentation",
        "224.0.0.0/4": "multicast",
        "240.0.0.0/4": "reserved",
    }.items()
}
_PUBLIC_V6: Final = IPv6Network("2000::/3")
_REFUSED_V6: Final = {
    IPv6Network(network): what
    for network, what in {
        "2001::/23": "reserved (Teredo, benchmarks and others)",
        "2001:db8::/32": "an example for documentation",
        "2002::/16": "6to4",
        "2620:4f:8000::/48": "reserved",
        "3ffe::/16": "reserved",
        "3fff::/20": "an example for documentation",
    }.items()
}
_NAT64: Final = IPv6Network("64:ff9b::/96")
"""How a host that has IPv6 alone reaches IPv4 (RFC 6052): the last 32 bits are the address that is called."""


def refusal(address: Address, allowed: Collection[Network] = ()) -> str | None:
    """Return what kind of place this is that is never called, or None when it may be.

    `allowed` are networks that may be called all the same: for development and tests.
    """
    if any(address in network for network in allowed):
        return None
    if isinstance(address, IPv4Address):
        return next((what for network, what in _REFUSED_V4.items() if address in network), None)
    # A zone names an interface of this host: the address is none of the public Internet.
    if address.scope_id is not None:
        return "a link-local network"
    if address in _NAT64:
        return refusal(IPv4Address(int(address) & 0xFFFF_FFFF), allowed)
    if address not in _PUBLIC_V6:
        return "not on the public Internet"
    return next((what for network, what in _REFUSED_V6.items() if address in network), None)


def networks(text: str) -> tuple[Network, ...]:
    """Return networks written with commas between them. Raises ValueError."""
    return tuple(ip_network(part.strip()) for part in text.split(",") if part.strip())
