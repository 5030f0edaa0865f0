"""How a statement reads the stored arguments of jobs."""

from __future__ import annotations

from typing import Final, LiteralString

_FORM: Final = "'^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$'"


def id_argument(name: LiteralString) -> LiteralString:
    """Return the SQL of an argument that is an id; NULL where another release wrote something else.

    So one letter that cannot be read does not stop the statement that reads a thousand.
    """
    return f"CASE WHEN jobs.args ->> '{name}' ~ {_FORM} THEN (jobs.args ->> '{name}')::uuid END"
