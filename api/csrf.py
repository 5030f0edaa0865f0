"""That a change which a browser sends was meant: it came from one of our own pages.

A page carries a token that is bound to a cookie of the browser which got it; another site can neither read the page
nor make up the token. As a second line, what the browser says of a request's origin must not speak against it.

- **Routes with `requires` or `signed_in`** are checked by these, for every method but GET, HEAD and OPTIONS and only
  for who came by cookie. Nothing is left to do but to send the token: forms as the hidden field `csrf_token`, scripts
  as the header `X-CSRF-Token` from `<meta name="csrf-token">`. `page(..., request=request)` gives templates the token.
- **Forms of people who have no session yet** (signing in, setting a password) take the dependency `from_our_page`:
  `@router.post("/sign-in", dependencies=[public("…"), from_our_page])`. Their pages need `page(..., request=request)`
  as well: it gives the browser a cookie of its own to bind the token to.
- **Webhooks and the widget** take no cookie, so nobody can borrow one.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated, Final
from urllib.parse import urlsplit

from fastapi import Depends, Request

from api.access.browser import cookie_name, session_token
from api.deps import SettingsDep
from api.errors import ProblemError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from config.settings import Settings

FIELD: Final = "csrf_token"
HEADER: Final = "x-csrf-token"
PRE_SESSION: Final = "gatehouse-form"
"""The cookie of a browser that got a form and has no session."""
SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that only look."""
_FORMS: Final = frozenset({"application/x-www-form-urlencoded", "multipart/form-data"})
_OWN_SITE: Final = frozenset({"same-origin", "none"})
_LONGEST: Final = 256


class CsrfError(ProblemError):
    """A change did not come from one of our own pages, or from one that is no longer current."""

    def __init__(self) -> None:
        super().__init__(
            403,
            "This did not come from a current page of this site, so nothing was changed. Reload the page and try again."
            " If that does not help, let the browser accept cookies of this site. A program sends the header"
            " X-CSRF-Token from the page, or an API key instead of a cookie.",
            kind="csrf",
        )


def token_for(settings: Settings, bound_to: str) -> str:
    """Return a token for a page, bound to the value of a cookie.

    It differs each time, so that compressing a page which repeats what a stranger sent gives nothing of it away.
    """
    salt = secrets.token_hex(8)
    return f"{salt}.{_mac(settings.secret_key.get_secret_value(), salt, bound_to)}"


def new_secret() -> str:
    """Return what the cookie of a browser without a session holds."""
    return secrets.token_urlsafe(32)


def pre_session_secret(request: Request, settings: Settings) -> str | None:
    """Return what a browser without a session holds to bind a token to."""
    held = request.cookies.get(cookie_name(settings, PRE_SESSION))
    return held if held and len(held) <= _LONGEST else None


async def sent_token(request: Request) -> str | None:
    """Return the token that came with a change; the route finds the body as if nobody had read it."""
    if request.method in SAFE or not request.cookies:
        return None
    header = request.headers.get(HEADER)
    if header is not None:
        return header
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() not in _FORMS:
        return None
    # Once read it is kept, to be read again as a form, as bytes or as a stream. Where the route takes a form, it has
    # been read as one already, and is kept as that.
    with suppress(RuntimeError):
        await request.body()
    value = (await request.form()).get(FIELD)
    return value if isinstance(value, str) else None


SentToken = Annotated[str | None, Depends(sent_token)]


def check(request: Request, settings: Settings, sent: str | None, bound_to: Iterable[str | None]) -> None:
    """Let through what only looks, and a change with a token bound to one of the cookies. Raises CsrfError."""
    if request.method in SAFE:
        return
    if _from_elsewhere(request, settings) or not _is_valid(settings, sent or "", [one for one in bound_to if one]):
        raise CsrfError


def check_session(request: Request, settings: Settings, sent: str | None) -> None:
    """Check a change by somebody who is signed in. Raises CsrfError."""
    check(request, settings, sent, [session_token(request, settings)])


def _check_form(request: Request, settings: SettingsDep, sent: SentToken) -> None:
    # A form may have been opened before its reader signed in elsewhere, or after; both are pages of ours.
    check(request, settings, sent, [pre_session_secret(request, settings), session_token(request, settings)])


from_our_page = Depends(_check_form)
"""For a form that somebody without a session sends."""


def _is_valid(settings: Settings, sent: str, bound_to: list[str]) -> bool:
    if not sent.isascii():  # A form's charset can make half a character of what is sent, and that can't be compared.
        return False
    salt, _, mac = sent[:_LONGEST].partition(".")
    keys = [key.get_secret_value() for key in (settings.secret_key, settings.previous_secret_key) if key]
    valid = [hmac.compare_digest(mac.encode(), _mac(key, salt, one).encode()) for key in keys for one in bound_to]
    return any(valid)


def _mac(key: str, salt: str, bound_to: str) -> str:
    message = f"gatehouse csrf v1\0{salt}\0{bound_to}"
    return hmac.new(key.encode(), message.encode(), hashlib.sha256).hexdigest()


def _from_elsewhere(request: Request, settings: Settings) -> bool:
    """Return whether the browser says that another site is behind a request. One that says nothing has the token."""
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    if site is not None and site not in _OWN_SITE:
        return True
    if origin is None:
        return False
    public = urlsplit(settings.public_url)
    host = request.headers.get("host", "")
    return origin.lower() not in {f"{public.scheme}://{place.lower()}" for place in (public.netloc, host)}
