"""Which caller our own proxies saw, by `X-Forwarded-For`: each appends the address of whoever called it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from ipaddress import IPv6Address, ip_address
from typing import Final

_HEADER: Final = b"x-forwarded-for"
_BRACKETED: Final = re.compile(r"\[([^\]]*)\](?::[0-9]{1,5})?")
_WITH_PORT: Final = re.compile(r"([0-9.]+):[0-9]{1,5}")


def caller(headers: Iterable[tuple[bytes, bytes]], hops: int) -> str | None:
    """Return the address that the outermost of `hops` proxies of ours saw; None when that can't be read.

    What stands before it anybody may have written. Some proxies write a port as well, and IPv6 in brackets. IPv4 within
    IPv6 is IPv4, and a zone (`%eth0`) is of the proxy's machine.
    """
    written = b",".join(value for name, value in headers if name == _HEADER).decode("latin-1").split(",")
    return None if len(written) < hops else _address(written[-hops].strip())


def _address(entry: str) -> str | None:
    found = _BRACKETED.fullmatch(entry) or _WITH_PORT.fullmatch(entry)
    plain = found[1] if found else entry
    try:
        known = ip_address(plain.partition("%")[0])
    except ValueError:
        return None
    if entry.startswith("[") and not isinstance(known, IPv6Address):
        return None
    return str(known.ipv4_mapped or known) if isinstance(known, IPv6Address) else str(known)
