"""How lists are paged: by a cursor that says where the next page begins."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Annotated, Any, Generic, TypeVar
from uuid import UUID

from fastapi import Query
from pydantic import BaseModel

from api.errors import ProblemError

T = TypeVar("T")

Limit = Annotated[int, Query(ge=1, le=500, description="At most so many.")]
After = Annotated[str | None, Query(alias="after", max_length=500, description="`next` of the page before.")]


class Page(BaseModel, Generic[T]):
    """One page of a list. `next` is None on the last one."""

    items: list[T]
    next: str | None


def cursor(*position: object) -> str:
    """Return where a page ended, as the opaque text that the next request carries."""
    text = json.dumps([part if isinstance(part, int) else str(part) for part in position])
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def position(after: str | None, *kinds: Callable[[Any], Any]) -> list[Any] | None:
    """Return the position in a cursor, its parts read by `kinds`; None without one. Raises ProblemError (422)."""
    if after is None:
        return None
    try:
        parts = json.loads(base64.urlsafe_b64decode(after + "=" * (-len(after) % 4)))
        return [kind(part) for kind, part in zip(kinds, parts, strict=True)]
    except (ValueError, TypeError, AttributeError):
        raise ProblemError(422, "`after` is not the `next` of a page of this list.", kind="invalid-cursor") from None


def id_position(after: str | None) -> UUID | None:
    """Return the id in a cursor of a list that is ordered by ids; None without one. Raises ProblemError (422)."""
    found = position(after, UUID)
    return None if found is None else found[0]
