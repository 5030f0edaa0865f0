"""Which pages may talk to a bot: CORS by bot (https://fetch.spec.whatwg.org/#http-cors-protocol).

A request without an Origin comes from no foreign page, so it passes and gets no header.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from fastapi import Request
from fastapi.routing import APIRoute
from starlette.datastructures import MutableHeaders

from api.errors import ProblemError

if TYPE_CHECKING:
    from starlette.types import Message, Receive, Scope, Send

    from api.widget.bots import ServedBot
    from config.settings import Settings

SELF: Final = "self"
_PREFLIGHT: Final = {
    "access-control-allow-methods": "GET, POST",
    "access-control-allow-headers": "authorization, content-type, last-event-id",
    "access-control-max-age": "600",
}


class SharedRoute(APIRoute):
    """A route whose answers, problems included, may be read by the page that `admit` let in."""

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.add_vary_header("Origin")
                origin = scope.get("state", {}).get("shared_with")
                if origin is not None:
                    headers["access-control-allow-origin"] = origin
            await send(message)

        await super().handle(scope, receive, answer)


def admit(request: Request, bot: ServedBot) -> None:
    """Let the page that asks read the answer. Raises ProblemError (403) for a page that the bot does not know."""
    origin = request.headers.get("origin")
    if origin is None:
        return
    if not _is_allowed(request, bot, origin):
        raise ProblemError(403, "This page may not use this chat.", kind="foreign-origin")
    request.state.shared_with = origin


def preflight_headers() -> dict[str, str]:
    """Return what the answer to a preflight of an admitted page says."""
    return dict(_PREFLIGHT)


def _is_allowed(request: Request, bot: ServedBot, origin: str) -> bool:
    if origin in bot.allowed_origins:
        return True
    if SELF not in bot.allowed_origins:
        return False
    settings: Settings = request.app.state.settings
    # The same site by another of its names (localhost for 127.0.0.1) is itself still: the browser vouches for it.
    return origin == _origin_of(settings.public_url) or request.headers.get("sec-fetch-site") == "same-origin"


def _origin_of(url: str) -> str:
    parts = urlsplit(url)
    standard = {"https": 443, "http": 80}[parts.scheme]
    port = "" if parts.port in {None, standard} else f":{parts.port}"
    return f"{parts.scheme}://{parts.hostname}{port}"
