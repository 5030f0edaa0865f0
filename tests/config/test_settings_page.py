"""The page on settings names every setting with its default, and no other."""

from __future__ import annotations

import re
from pathlib import Path

from pydantic import BaseModel

from config.mistakes import variable
from config.settings import Settings

PAGE = Path(__file__).parents[2] / "docs" / "settings.md"
ROW = re.compile(r"^\| `(GATEHOUSE_\w+)` \| (?:`([^`]*)`)? ?\| ", re.MULTILINE)


def defaults(model: type[BaseModel], above: str = "") -> dict[str, str]:
    found: dict[str, str] = {}
    for name, field in model.model_fields.items():
        default = None if field.is_required() else field.default
        if isinstance(default, BaseModel):
            found |= defaults(type(default), f"{above}{name}.")
        elif isinstance(default, bool):
            found[variable(above + name)] = str(default).lower()
        else:
            found[variable(above + name)] = "" if default is None else str(default)
    return found


def test_the_page_tells_every_setting_with_its_default() -> None:
    assert dict(ROW.findall(PAGE.read_text())) == defaults(Settings)
