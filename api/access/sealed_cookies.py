"""What a browser keeps for us between two steps of signing in: sealed, for some minutes, and of no use elsewhere."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from cryptography.fernet import InvalidToken, MultiFernet

from api.access.browser import clear_cookie, cookie_name, now_of, set_cookie
from providers.derived_key import fernet

if TYPE_CHECKING:
    from fastapi import Request
    from starlette.responses import Response

    from config.settings import Settings


@dataclass(frozen=True, slots=True)
class SealedCookie:
    """One such cookie. What it holds is lost after `seconds`, with another secret key, and when it was changed."""

    name: str
    purpose: bytes
    seconds: int

    def put(self, request: Request, response: Response, settings: Settings, held: Mapping[str, str]) -> None:
        """Let the browser that gets `response` keep something."""
        until = now_of(request).timestamp() + self.seconds
        sealed = self._seal(settings).encrypt(json.dumps([until, dict(held)]).encode()).decode()
        set_cookie(response, settings, sealed, name=self.name, seconds=self.seconds)

    def read(self, request: Request, settings: Settings) -> dict[str, str] | None:
        """Return what the browser kept, None when that is nothing, is not ours, or has been kept for too long."""
        sealed = request.cookies.get(cookie_name(settings, self.name))
        if sealed is None:
            return None
        try:
            until, held = json.loads(self._seal(settings).decrypt(sealed.encode()))
        except (InvalidToken, ValueError):
            return None
        return cast("dict[str, str]", held) if now_of(request).timestamp() < until else None

    def clear(self, response: Response, settings: Settings) -> None:
        """Let the browser that gets `response` forget it."""
        clear_cookie(response, settings, self.name)

    def _seal(self, settings: Settings) -> MultiFernet:
        previous = settings.previous_secret_key
        keys = [settings.secret_key, *([previous] if previous else [])]
        return fernet(self.purpose, *[key.get_secret_value() for key in keys])
