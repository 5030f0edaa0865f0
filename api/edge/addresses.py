"""Callers' addresses: who may reach the administration side, and as whom an address is counted."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

Network = IPv4Network | IPv6Network
_ONE_SUBSCRIBER: Final = 64
"""Bits of an IPv6 address that tell subscribers apart; what is behind them they choose themselves."""


class AllowedNetworks:
    """The networks in a setting: CIDR form, with commas between them. None at all means everybody."""

    def __init__(self, text: str) -> None:
        self._networks: tuple[Network, ...] = tuple(
            ip_network(part.strip()) for part in text.split(",") if part.strip()
        )

    def admit(self, address: str | None) -> bool:
        """Return whether this address may come in. One that is unknown may not, once there is a list."""
        if not self._networks:
            return True
        known = _read(address)
        return known is not None and any(known in network for network in self._networks)


def counted_as(address: str | None) -> str:
    """Return as whom requests of an address are counted: one subscriber's IPv6 addresses are one."""
    known = _read(address)
    if isinstance(known, IPv6Address):
        return str(IPv6Network((int(known) >> _ONE_SUBSCRIBER << _ONE_SUBSCRIBER, _ONE_SUBSCRIBER)))
    return "unknown" if known is None else str(known)


@lru_cache(maxsize=4096)
def _read(address: str | None) -> IPv4Address | IPv6Address | None:
    """Return an address in its one form: IPv4 within IPv6 is IPv4, and a zone is none of a caller's business."""
    try:
        known = ip_address((address or "").partition("%")[0])
    except ValueError:
        return None
    return known.ipv4_mapped or known if isinstance(known, IPv6Address) else known
