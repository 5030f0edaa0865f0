"""The arguments of a dead letter as fields that a person can fill in, and what was filled in as arguments."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from datetime import date, datetime
from enum import Enum
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Any, Final, Literal, Union, get_args, get_origin, get_type_hints
from uuid import UUID

from domain.deadletters.kinds import load_kinds
from domain.kernel.errors import InvalidInputError
from domain.queue.message import spec_for

if TYPE_CHECKING:
    from domain.queue.message import Message

_TEXTUAL: Final = (str, UUID, date, datetime)
_KINDS: Final[Mapping[Any, str]] = {
    str: "text",
    UUID: "an id",
    datetime: "a time, as 2026-01-31T17:05:00Z",
    date: "a day, as 2026-01-31",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
}
_NOT_JSON: Final = "That is not JSON: write text in double quotes, and true, false or null as they are."
_MISSING: Final = "Fill this in."


@dataclass(frozen=True, slots=True)
class Argument:
    """One field. `kind`: what goes into it, in words; `options`: the only values that it may have, if so.

    `text` is the value as it is written: texts, ids and times as they are, everything else as JSON. An empty optional
    field stands for nothing.
    """

    name: str
    kind: str
    text: str
    required: bool
    options: Sequence[str] = ()


def arguments_of(kind: str, args: Mapping[str, Any]) -> Sequence[Argument]:
    """Return the fields of a kind of job, filled in. Raises InvalidInputError for a kind that nobody here knows."""
    message_type = _known(kind)
    hints, needed = get_type_hints(message_type), _required(message_type)
    return [
        Argument(name, _in_words(hint), _written(args.get(name)), name in needed, _options(hint))
        for name, hint in hints.items()
        if name in _names(message_type)
    ]


def unknown_arguments(kind: str, args: Mapping[str, Any]) -> Sequence[str]:
    """Return the names of stored arguments that this release has no field for; saving leaves them out."""
    return sorted(set(args) - _names(_known(kind)))


def read_arguments(kind: str, written: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the arguments that were written into the fields of a kind, and what can't be read of them, by field.

    Whether the rest fits the kind is for `edit` to say. Raises InvalidInputError for a kind that nobody here knows.
    """
    message_type = _known(kind)
    needed = _required(message_type)
    found: dict[str, Any] = {}
    problems: dict[str, str] = {}
    for name, hint in get_type_hints(message_type).items():
        text = written.get(name)
        if name not in _names(message_type) or text is None:
            continue
        if text == "" and (_optional(hint) or name not in needed):
            if _optional(hint):
                found[name] = None
        elif _textual(hint):
            found[name] = text
        elif text.strip() == "":
            problems[name] = _MISSING
        else:
            try:
                found[name] = json.loads(text)
            except ValueError:
                problems[name] = _NOT_JSON
    return found, problems


def _known(kind: str) -> type[Message]:
    load_kinds()
    spec = spec_for(kind)
    if spec is None:
        raise InvalidInputError(f"This release does not know {kind}, so it cannot check its arguments.")
    return spec.message_type


def _names(message_type: type[Message]) -> set[str]:
    return {one.name for one in fields(message_type)}  # type: ignore[arg-type]  # every message is a dataclass


def _required(message_type: type[Message]) -> set[str]:
    given = fields(message_type)  # type: ignore[arg-type]  # as above
    return {one.name for one in given if one.default is MISSING and one.default_factory is MISSING}


def _parts(hint: Any) -> Sequence[Any]:  # noqa: ANN401  # a type, or what typing makes of several
    """Return what a union is made of, but for None; else the type itself."""
    if get_origin(hint) in {Union, UnionType}:
        return [part for part in get_args(hint) if part is not NoneType]
    return [hint]


def _optional(hint: Any) -> bool:  # noqa: ANN401  # as above
    return get_origin(hint) in {Union, UnionType} and NoneType in get_args(hint)


def _textual(hint: Any) -> bool:  # noqa: ANN401  # as above
    return all(_is_text(part) for part in _parts(hint))


def _is_text(part: Any) -> bool:  # noqa: ANN401  # as above
    if get_origin(part) is Literal:
        return all(isinstance(one, str) for one in get_args(part))
    return isinstance(part, type) and (part in _TEXTUAL or issubclass(part, str))


def _options(hint: Any) -> Sequence[str]:  # noqa: ANN401  # as above
    (first, *more) = _parts(hint)
    if more or not _is_text(first):
        return ()
    if get_origin(first) is Literal:
        return [str(one) for one in get_args(first)]
    return [str(one.value) for one in first] if issubclass(first, Enum) else ()


def _in_words(hint: Any) -> str:  # noqa: ANN401  # as above
    options = _options(hint)
    words = "one of these" if options else " or ".join(_KINDS.get(part, "JSON") for part in _parts(hint))
    return f"{words}, or nothing" if _optional(hint) else words


def _written(value: Any) -> str:  # noqa: ANN401  # any JSON
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
