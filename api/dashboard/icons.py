"""The icons of the pages: symbols in one drawing, which a browser gets once."""

from __future__ import annotations

import re
from functools import cache
from typing import Final

from api.dashboard.files import ASSETS, asset

SPRITE: Final = "vendor/tabler-icons/icons.svg"
UNKNOWN: Final = "point"
"""Drawn for a name that is not in the sprite, as one in a role's file may be."""
_SYMBOL: Final = re.compile(r'<symbol id="tabler-([a-z0-9-]+)"')


def icon_href(name: str) -> str:
    """Return the address of an icon for `<use>`."""
    return f"{asset(SPRITE)}#tabler-{name if name in known_icons() else UNKNOWN}"


@cache
def known_icons() -> frozenset[str]:
    """Return the names of the icons that there are."""
    return frozenset(_SYMBOL.findall((ASSETS / SPRITE).read_text()))
