"""What is wrong with a document, in words: the place, and what to write. No sentence repeats a value."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

from domain.access.authorize import Scope

if TYPE_CHECKING:
    from pydantic import ValidationError
    from pydantic_core import ErrorDetails

_PLAIN: Final = re.compile(r"[a-z0-9_.-]{1,64}")
_WRITE: Final[Mapping[str, str]] = {
    "role": 'a name of small letters and underscores, such as "night_shift"',
    "inherits": 'the name of another role, such as "base"',
    "version": "a whole number from 1 on, the one in the file's name",
    "display_name": "1 to 40 characters on one line",
    "label": "1 to 40 characters on one line",
    "title": "1 to 40 characters on one line",
    "name": "1 to 40 characters on one line",
    "about": "1 to 200 characters on one line",
    "id": 'a name of small letters, digits and dashes, such as "dead-letters"',
    "icon": 'the name of an icon, such as "message-circle"',
    "path": 'a page of the dashboard, such as "/dashboard/journeys"',
    "permission": 'a permission such as "journeys.view"',
    "source": 'the name of a data source, such as "queue_depth"',
    "refresh_seconds": "whole seconds from 5 to 3600",
    "caching": "whole seconds from 0 to 86400",
    "accent": 'a colour in small letters, such as "#1d4ed8"',
    "on_accent": 'a colour in small letters, such as "#ffffff"',
    "permissions": "one of " + ", ".join(f'"{scope}"' for scope in Scope) + ", or null",
    "features": "true or false",
    "hidden": "true or false",
    "abstract": "true or false",
    "changes": "true or false",
    "destructive": "true or false",
    "personal": "true or false",
}
_OBJECTS: Final = frozenset({"model_type", "dict_type", "model_attributes_type"})
_LISTS: Final = frozenset({"tuple_type", "list_type"})


def in_words(error: ValidationError) -> list[str]:
    """Return a sentence for each mistake."""
    return [f"{_place(found['loc'])}: {_what(found)}" for found in error.errors(include_input=False, include_url=False)]


def quoted(name: str) -> str:
    """Return a name in quotes if it looks like one of ours, otherwise dots: it could be anything."""
    return f'"{name}"' if _PLAIN.fullmatch(name) else '"…"'


def meant(name: str, known: Collection[str]) -> str:
    """Return what was probably meant, as the end of a sentence, or nothing."""
    nearest = difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.7)
    return f'; did you mean "{nearest[0]}"?' if nearest else ""


def sentences(mistakes: Iterable[str]) -> str:
    """Return mistakes as sentences of one text."""
    return " ".join(mistake if mistake.endswith("?") else f"{mistake}." for mistake in mistakes)


def _place(location: tuple[int | str, ...]) -> str:
    parts = [part for part in location if part != "[key]"]
    return ".".join(str(p) if isinstance(p, int) or _PLAIN.fullmatch(p) else "…" for p in parts) or "the file"


def _what(found: ErrorDetails) -> str:
    kind, location = found["type"], found["loc"]
    context: dict[str, Any] = found.get("ctx", {})
    if kind == "extra_forbidden":
        return "this is not known here; remove it, or correct its name"
    if kind == "value_error":
        return str(context["error"])
    if kind in {"too_long", "too_short"}:
        limit = f"at most {context['max_length']}" if kind == "too_long" else f"at least {context['min_length']}"
        return f"write {limit} entries"
    if location and location[-1] == "[key]":
        return "this name is not possible; write small letters, digits, underscores, dashes, a dot where one is due"
    write = _write(location, kind, context)
    return f"is missing; write {write}" if kind == "missing" else f"write {write}"


def _write(location: tuple[int | str, ...], kind: str, context: Mapping[str, Any]) -> str:
    if kind in _OBJECTS:
        return "an object: { … }"
    if kind in _LISTS:
        return "a list: [ … ]"
    if "expected" in context:
        return f"one of {context['expected']}" if " or " in context["expected"] else str(context["expected"])
    # The name of the field itself, or of the mapping that the entry stands in.
    for part in reversed(location):
        if part in _WRITE:
            return _WRITE[str(part)]
    return "it as docs/roles.md says"
