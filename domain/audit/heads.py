"""Heads as text, to be kept elsewhere and compared later."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from domain.audit.chain import Head
from domain.audit.errors import UnfitHeadsError


def as_document(head: Head) -> dict[str, Any]:
    """Return a head as it is kept."""
    return {"org_id": str(head.org_id), "sequence": head.sequence, "hash": head.hash.hex() if head.hash else None}


def read_heads(text: str) -> Sequence[Head]:
    """Return the heads in a file, which may have been written by several calls. Raises UnfitHeadsError."""
    decoder = json.JSONDecoder()
    rest, found = text.strip(), list[Any]()
    try:
        while rest:
            part, end = decoder.raw_decode(rest)
            found += part if isinstance(part, list) else [part]
            rest = rest[end:].lstrip()
        return [
            Head(UUID(one["org_id"]), int(one["sequence"]), bytes.fromhex(one["hash"]) if one["hash"] else None)
            for one in found
        ]
    except (ValueError, KeyError, TypeError, AttributeError):
        raise UnfitHeadsError from None
