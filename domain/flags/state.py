"""All flags as one process holds them, out of what the database says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from domain.flags.definitions import DEFINITIONS
from domain.flags.ports import FlagState, Target, Value, ValueType
from domain.flags.values import check, fits

FLAGS: Final = """
    SELECT f.key, f.value_type, f.default_value, f.archived_at IS NOT NULL,
           coalesce((SELECT json_agg(json_build_array(t.value, t.tenant_id, t.client_id, t.percentage)
                                     ORDER BY t.position)
                     FROM flag_targets t WHERE t.key = f.key), '[]'::json)
    FROM flags f
"""
"""In one statement, so that no half of a change is seen."""
VERSION: Final = "SELECT (SELECT coalesce(sum(version), 0) FROM flags), (SELECT count(*) FROM flag_targets)"
"""Differs after every change: versions only grow, and targets go with their tenants."""

Row = tuple[str, ValueType, Any, bool, Sequence[Sequence[Any]]]


def states(rows: Iterable[Row]) -> Mapping[str, FlagState]:
    """Return flags by name, from the rows of `FLAGS`. What does not fit a type or its bounds becomes None."""
    return {key: _state(key, *rest) for key, *rest in rows}


def _state(
    key: str,
    value_type: ValueType,
    default: object,
    archived: bool,  # noqa: FBT001 - a column
    targets: Sequence[Sequence[Any]],
) -> FlagState:
    return FlagState(
        key,
        value_type,
        _read(key, value_type, default),
        tuple(
            Target(_read(key, value_type, value), tenant and UUID(tenant), client and UUID(client), percentage)
            for value, tenant, client, percentage in targets
        ),
        archived,
    )


def _read(key: str, value_type: ValueType, value: object) -> Value | None:
    definition = DEFINITIONS.get(key)
    if definition is not None and definition.value_type != value_type:
        return None
    return check(value_type, value, definition) if fits(value_type, value, definition) else None
