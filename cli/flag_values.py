"""A flag's value as it is typed into a terminal, and shown there."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from cli.failure import FailureError

if TYPE_CHECKING:
    from domain.flags.ports import ValueType

_WORDS: Final = {"true": True, "on": True, "yes": True, "false": False, "off": False, "no": False}


def parsed(value_type: ValueType, text: str) -> Any:  # noqa: ANN401 - of the type
    """Return the value that was typed. Raises FailureError, which says what the type takes."""
    if value_type == "string":
        return text
    if value_type == "boolean":
        if text.lower() not in _WORDS:
            raise FailureError("Say true or false.")
        return _WORDS[text.lower()]
    try:
        return json.loads(text)
    except ValueError:
        what = "JSON" if value_type == "object" else "a number"
        raise FailureError(f"Say {what}: {text!r} is none.") from None


def shown(value: object) -> str:
    """Return a value in a line."""
    return json.dumps(value, ensure_ascii=False)
