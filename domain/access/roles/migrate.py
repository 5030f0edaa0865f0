"""Bring a role's file of an older schema to the present one, in memory, by one small step a schema.

A step takes and returns a JSON object and looks at nothing else. A file on disk is never written.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from domain.access.roles.documents import SCHEMA
from domain.kernel.errors import GatehouseError

Step = Callable[[Mapping[str, Any]], dict[str, Any]]


class SchemaError(GatehouseError):
    """The file says no schema that this release knows."""


def _to_2(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return it with a version, and inheriting from `base`: schema 1 knew nothing of how the pages look."""
    return {"version": 1, "inherits": "base", **document, "schema": 2}


STEPS: Final[Mapping[int, Step]] = {1: _to_2}
"""From which schema each step leads to the next."""


def migrate(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a role's document in the present schema. Raises SchemaError."""
    schema = document.get("schema")
    if type(schema) is not int or schema < 1:
        raise SchemaError(f'schema: write "schema": {SCHEMA}')
    if schema > SCHEMA:
        raise SchemaError(
            f"schema: {schema} is newer than this release knows; update Gatehouse, or write the file in schema {SCHEMA}"
        )
    while schema < SCHEMA:
        document = STEPS[schema](document)
        schema += 1
    return document
