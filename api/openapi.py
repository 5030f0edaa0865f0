"""The OpenAPI document: what each operation takes, and the problems that any of them may answer with."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from api.access.declared import declared_routes
from api.errors import MEDIA_TYPE

if TYPE_CHECKING:
    from fastapi import FastAPI

_PROBLEMS: Final = (400, 401, 403, 404, 408, 409, 413, 414, 422, 429, 431, 503)
_PROBLEM: Final = "Problem"
_BEARER: Final = "bearer"
_UNUSED: Final = ("HTTPValidationError", "ValidationError")
"""What FastAPI says of its own errors, which no route of ours answers with."""
_SCHEMA: Final = {
    "title": _PROBLEM,
    "description": "What is wrong, as RFC 9457 has it. `type` names the sort of problem for programs.",
    "type": "object",
    "required": ["type", "title", "status"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "instance": {"type": "string"},
        "request_id": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["where", "problem"],
                "properties": {"where": {"type": "string"}, "problem": {"type": "string"}},
            },
        },
    },
}
_CONTENT: Final = {MEDIA_TYPE: {"schema": {"$ref": f"#/components/schemas/{_PROBLEM}"}}}


def complete_document(app: FastAPI) -> None:
    """Have the document of `app` say which permission an operation takes, and how errors are answered."""
    made_by_fastapi = app.openapi

    def document() -> dict[str, Any]:
        # It is kept, and made anew when a route is added.
        found = made_by_fastapi()
        if _PROBLEM not in found.get("components", {}).get("schemas", {}):
            _complete(found, app)
        return found

    app.openapi = document  # type: ignore[method-assign]  # as FastAPI's own documentation does


def _complete(document: dict[str, Any], app: FastAPI) -> None:
    permissions = {
        (route.path, method.lower()): route.permissions for route in declared_routes(app) for method in route.methods
    }
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            _answer_with_problems(operation)
            _name_permissions(operation, permissions[path, method])
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for name in _UNUSED:
        schemas.pop(name, None)
    schemas[_PROBLEM] = _SCHEMA
    components["securitySchemes"] = {
        _BEARER: {"type": "http", "scheme": "bearer", "description": "An API key, or a token of a trusted issuer."}
    }


def _answer_with_problems(operation: dict[str, Any]) -> None:
    responses = operation["responses"]
    for status in _PROBLEMS:
        said = responses.get(str(status), {})
        pages = {kind: content for kind, content in said.get("content", {}).items() if kind != "application/json"}
        description = said.get("description") or HTTPStatus(status).phrase
        responses[str(status)] = {"description": description, "content": pages | _CONTENT}


def _name_permissions(operation: dict[str, Any], permissions: tuple[str, ...]) -> None:
    if not permissions:
        return
    operation["security"] = [{_BEARER: []}]
    operation["x-permissions"] = list(permissions)
    words = "Takes the permission " + " and ".join(f"`{name}`" for name in permissions) + "."
    operation["description"] = "\n\n".join(part for part in (operation.get("description"), words) if part)
