"""A filter as JSON, for the operation that applies it later and for the audit log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter

from domain.queue.dead import DeadFilter

if TYPE_CHECKING:
    from collections.abc import Mapping

_FILTER: TypeAdapter[DeadFilter] = TypeAdapter(DeadFilter)


def as_json(which: DeadFilter) -> dict[str, Any]:
    """Return a filter as JSON, without what does not narrow."""
    stored: dict[str, Any] = _FILTER.dump_python(which, mode="json", exclude_none=True)
    return stored


def from_json(stored: Mapping[str, Any]) -> DeadFilter:
    """Return the filter that `as_json` wrote."""
    return _FILTER.validate_python(dict(stored))
