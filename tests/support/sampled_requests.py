"""A request for any operation of an OpenAPI document: the smallest that its schema allows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

_ID: Final = "01980000-0000-7000-8000-0000000000ff"
_TEXTS: Final = {
    "uuid": _ID,
    "date-time": "2026-01-02T03:04:05Z",
    "date": "2026-01-02",
    "email": "somebody@example.com",
    "uri": "https://example.com/",
}
_NAMED: Final = {"role": "workspace_viewer"}
"""Fields that take a few words alone, which their schema does not list."""
Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Sampled:
    """What a request carries besides its path: only what the operation demands."""

    query: dict[str, Any] = field(default_factory=dict)
    json: Any = None
    form: dict[str, Any] | None = None


def sample(document: Document, operation: Document) -> Sampled:
    """Return a request for an operation."""
    query = {
        parameter["name"]: value_of(document, parameter["schema"])
        for parameter in operation.get("parameters", ())
        if parameter["in"] == "query" and parameter.get("required")
    }
    content = operation.get("requestBody", {}).get("content", {})
    json, form = (
        None if body is None else value_of(document, body["schema"])
        for body in (content.get("application/json"), content.get("application/x-www-form-urlencoded"))
    )
    return Sampled(query, json, form)


def value_of(document: Document, schema: Document) -> Any:  # noqa: ANN401 - any JSON
    """Return a value that fits a schema, as small as can be."""
    if "$ref" in schema:
        return value_of(document, document["components"]["schemas"][schema["$ref"].rpartition("/")[2]])
    for several in ("anyOf", "oneOf", "allOf"):
        if several in schema:
            return value_of(document, schema[several][0])
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return schema["enum"][0]
    return _plain(document, schema)


def _plain(document: Document, schema: Document) -> Any:  # noqa: ANN401 - any JSON
    match schema.get("type"):
        case "object":
            properties = schema.get("properties", {})
            return {name: _NAMED.get(name, value_of(document, properties[name])) for name in schema.get("required", ())}
        case "array":
            return [value_of(document, schema["items"])] * max(schema.get("minItems", 0), 1)
        case "integer" | "number":
            return schema.get("minimum", schema.get("exclusiveMinimum", 0) + 1)
        case "boolean":
            return True
        case "string":
            return _TEXTS.get(schema.get("format", ""), "a" * max(schema.get("minLength", 1), 1))
        case _:
            return None
