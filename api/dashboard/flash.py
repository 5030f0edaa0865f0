"""A message for the next page that a browser gets, shown once: what became of a form that was sent.

It is sealed into a cookie of the browser that sent the form, so nobody can have a page say something to another one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast

from api.access.sealed_cookies import SealedCookie

if TYPE_CHECKING:
    from fastapi import Request
    from starlette.responses import Response

    from api.dashboard.tables import Tone
    from config.settings import Settings

_SAID: Final = SealedCookie("gatehouse-said", b"gatehouse flash v1", 120)
_LONGEST: Final = 500


@dataclass(frozen=True, slots=True)
class Said:
    """A message that is shown."""

    words: str
    tone: Tone


def flash(request: Request, response: Response, words: str, tone: Tone = "good") -> None:
    """Let the next page that this browser gets say something; `response` is usually the redirect to it."""
    settings: Settings = request.app.state.settings
    _SAID.put(request, response, settings, {"words": words[:_LONGEST], "tone": tone})


def said(request: Request) -> Said | None:
    """Return what is to be said on the page that answers a request. A part that is drawn anew takes nothing away."""
    if "hx-request" in request.headers:
        return None
    held = _SAID.read(request, request.app.state.settings)
    return Said(held["words"], cast("Tone", held["tone"])) if held else None


def was_said(request: Request, response: Response) -> None:
    """Let the browser forget what its page has now said."""
    _SAID.clear(response, request.app.state.settings)
