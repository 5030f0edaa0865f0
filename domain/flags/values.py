"""What a flag may hold: values checked when they are written, and read without trust."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Final

from domain.flags.errors import InvalidFlagError
from domain.flags.ports import Value, ValueType

if TYPE_CHECKING:
    from domain.flags.definitions import Definition

LONGEST_STRING: Final = 2_000
LONGEST_OBJECT: Final = 16_000
"""Characters of an object as JSON."""
_LARGEST: Final = 2**53 - 1
"""The largest integer that every reader of JSON keeps exactly."""
_NAMES: Final = {
    "boolean": "true or false",
    "string": "a text",
    "integer": "a whole number",
    "float": "a number",
    "object": "an object or a list",
}


def typed(value_type: ValueType, value: object) -> Value | None:
    """Return a value as its type has it, None when it is of another type. A whole number passes for a float."""
    match value_type:
        case "boolean":
            return value if isinstance(value, bool) else None
        case "string":
            return value if isinstance(value, str) else None
        case "integer":
            return value if isinstance(value, int) and not isinstance(value, bool) else None
        case "float":
            if isinstance(value, bool) or not isinstance(value, int | float):
                return None
            return float(value) if abs(value) <= _LARGEST and math.isfinite(value) else None
        case "object":
            return value if isinstance(value, dict | list) else None


def check(value_type: ValueType, value: object, definition: Definition | None = None) -> Value:
    """Return a value that may be stored. Raises InvalidFlagError: of another type, too large, or out of its bounds."""
    found = typed(value_type, value)
    if found is None:
        raise InvalidFlagError(f"The value has to be {_NAMES[value_type]}.")
    _check_size(found)
    if definition is not None and isinstance(found, int | float) and not isinstance(found, bool):
        _check_bounds(found, definition)
    return found


def fits(value_type: ValueType, value: object, definition: Definition | None = None) -> bool:
    """Return whether a stored value may be used."""
    try:
        check(value_type, value, definition)
    except InvalidFlagError:
        return False
    return True


def _check_size(value: Value) -> None:
    if isinstance(value, str):
        if len(value) > LONGEST_STRING:
            raise InvalidFlagError(f"The text may have {LONGEST_STRING:,} characters.")
        if not _is_storable(value):
            raise InvalidFlagError("The text must not contain a zero byte, nor half of a character.")
    elif isinstance(value, dict | list):
        try:
            written = json.dumps(value, allow_nan=False)
        except (TypeError, ValueError, RecursionError):
            raise InvalidFlagError("The object can't be written as JSON.") from None
        if len(written) > LONGEST_OBJECT:
            raise InvalidFlagError(f"The object may have {LONGEST_OBJECT:,} characters as JSON.")
        if not _is_storable(json.dumps(value, ensure_ascii=False)) or "\\u0000" in written:
            raise InvalidFlagError("The object must not contain a zero byte, nor half of a character.")
    elif isinstance(value, int) and abs(value) > _LARGEST:
        raise InvalidFlagError(f"The number has to be between {-_LARGEST} and {_LARGEST}.")


def _is_storable(text: str) -> bool:
    try:
        return b"\x00" not in text.encode()
    except UnicodeEncodeError:
        return False


def _check_bounds(value: float, definition: Definition) -> None:
    low, high = definition.least, definition.most
    if (low is not None and value < low) or (high is not None and value > high):
        raise InvalidFlagError(f"{definition.key} has to be between {low:g} and {high:g}; it is {value:g}.")
