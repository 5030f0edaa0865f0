"""Which `Host` headers are answered. A page of ours must not be had under a name of somebody else (DNS rebinding)."""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

_FORM: Final = re.compile(r"(\[[0-9a-f:.]{2,45}\]|[a-z0-9_.-]{1,253}?)\.?(?::[0-9]{1,5})?")
_LABEL: Final = re.compile(r"[a-z0-9-]{1,63}")


class Hosts:
    """The public host, one label before it (`acme.gatehouse.example`), and the names in `more`, commas between them.

    `lenient`, outside production: also addresses and names without a dot, which no public name server could point here.
    """

    def __init__(self, public_url: str, more: str = "", *, lenient: bool = False) -> None:
        # As browsers send it: in ASCII.
        self._public = (urlsplit(public_url).hostname or "").encode("idna").decode()
        self._exact = frozenset({self._public, *(name.strip().lower() for name in more.split(",") if name.strip())})
        self._lenient = lenient

    def serve(self, header: bytes) -> bool:
        """Return whether a `Host` header names us."""
        match = _FORM.fullmatch(header.decode("latin-1").lower())
        if match is None:
            return False
        host = match.group(1).strip("[]")
        label, _, parent = host.partition(".")
        if host in self._exact or (parent == self._public and _LABEL.fullmatch(label)):
            return True
        return self._lenient and (not parent or parent == "localhost" or _is_address(host))


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
