"""Who looks at the page that is being drawn: their time zone, the page's query, and what its parts have in common.

Macros and filters of templates ask for it, so that a page need not hand it on to each of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from typing import Final
from urllib.parse import urlencode


@dataclass(frozen=True, slots=True)
class Viewer:
    """What the parts of one page know of whoever reads it.

    `zone` is None for somebody whose time zone is not known: the browser then shows times in its own. `token` gives the
    token of the page's forms when it is written. `exports`: whether they may take lists away as files.
    """

    query: tuple[tuple[str, str], ...] = ()
    zone: tzinfo | None = None
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    token: object = ""
    exports: bool = False

    def asked(self, name: str) -> str:
        """Return what the page's address says of `name`, empty when it says nothing."""
        return next((value for key, value in self.query if key == name), "")

    def address(self, **changes: object) -> str:
        """Return this page's address with another query: None or an empty text takes a part of it away."""
        kept = [(key, value) for key, value in self.query if key not in changes]
        added = [(key, str(value)) for key, value in changes.items() if value not in {None, ""}]
        return "?" + urlencode(kept + added)


_NOBODY: Final = Viewer()
_current: ContextVar[Viewer] = ContextVar("viewer", default=_NOBODY)


def viewer() -> Viewer:
    """Return who looks at the page that is being drawn; of somebody unknown outside of one."""
    return _current.get()


@contextmanager
def drawn_for(one: Viewer) -> Iterator[None]:
    """Draw a page for somebody."""
    token = _current.set(one)
    try:
        yield
    finally:
        _current.reset(token)
