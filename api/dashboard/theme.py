"""Light or dark: what a browser was told to show, kept in a cookie so that the first paint has it already."""

from __future__ import annotations

from typing import Annotated, Final, Literal
from urllib.parse import urlsplit

from fastapi import APIRouter, Form, Request
from starlette.responses import RedirectResponse, Response

from api.access.browser import clear_cookie, set_cookie
from api.access.signed_in import Myself, signed_in
from api.dashboard.frame import THEME
from api.deps import SettingsDep

router = APIRouter(include_in_schema=False)
_YEAR: Final = 365 * 86_400


@router.post("/dashboard/theme")
def choose(
    request: Request,
    settings: SettingsDep,
    _me: Annotated[Myself, signed_in("the colours of one's own browser")],
    theme: Annotated[Literal["light", "dark", "system"], Form()],
) -> Response:
    """Show pages in these colours from now on, and go back to the page that asked."""
    response = RedirectResponse(_came_from(request), status_code=303)
    if theme == "system":
        clear_cookie(response, settings, THEME)
    else:
        set_cookie(response, settings, theme, name=THEME, seconds=_YEAR)
    return response


def _came_from(request: Request) -> str:
    """Return the path of the page with the form, as the browser names it; only ever one of this site's."""
    page = urlsplit(request.headers.get("referer", ""))
    ours = page.netloc == request.headers.get("host") and page.path.startswith("/") and not page.path.startswith("//")
    return (page.path + (f"?{page.query}" if page.query else "")) if ours else "/account"
