"""Versions of what is read and changed: an `ETag` on what was read, `If-Match` on the change that is meant for it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Final

from fastapi import Header

from api.errors import MEDIA_TYPE, ProblemError
from domain.clients.errors import ChangedMeanwhileError

IfMatch = Annotated[
    str | None,
    Header(
        max_length=200,
        description="The `ETag` of what was read. When somebody changed it since, nothing is changed and the answer is"
        " 412. Left out, what it is now is changed.",
    ),
]
STALE: Final[dict[int | str, dict[str, Any]]] = {
    412: {
        "description": "Somebody changed it since it was read.",
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
}
"""The answer to a change that was meant for another version, for a route's `responses`."""


def etag(updated_at: datetime) -> str:
    """Return the version of something that was last changed then."""
    return f'"{updated_at.astimezone(UTC).isoformat(timespec="microseconds")}"'


def version(if_match: str | None) -> datetime | None:
    """Return which version a change is meant for; None for whichever it is. Raises ProblemError (412) for none."""
    if if_match is None or if_match.strip() == "*":
        return None
    try:
        at = datetime.fromisoformat(if_match.strip().strip('"'))
    except ValueError:
        raise stale() from None
    if at.tzinfo is None:
        raise stale()
    return at


def stale() -> ProblemError:
    """Return the answer to a change that was meant for another version."""
    return ProblemError(412, str(ChangedMeanwhileError()), kind="changed-meanwhile")
