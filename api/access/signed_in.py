"""What a route declares that is about whoever signed in with this browser, and takes no permission beyond that."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fastapi import Depends, Request

from api.access.browser import browser_of
from api.access.requires import actor_of, unknown
from api.csrf import SAFE, SentToken, check_session
from api.deps import DatabaseDep, SettingsDep
from api.errors import ProblemError
from domain.audit.record import Actor

if TYPE_CHECKING:
    from api.access.browser import Browser


@dataclass(frozen=True, slots=True)
class Myself:
    """Who signed in with this browser; `actor` is its holder, also while they view as somebody else."""

    browser: Browser
    actor: Actor


class SignedIn:
    """A dependency that lets in a browser that signed in, whoever that is; `why` says why no permission is needed."""

    def __init__(self, why: str) -> None:
        self.why = why

    def __call__(self, request: Request, settings: SettingsDep, database: DatabaseDep, sent: SentToken) -> Myself:
        """Return who it is.

        Raises:
            ProblemError: 401 for a browser without a session, 403 for a machine or without a token of our pages.

        """
        if "authorization" in request.headers:
            raise ProblemError(403, "This is for people who signed in with a browser.", kind="browser-only")
        browser = browser_of(request, settings, database)
        if browser is None:
            raise unknown(request)
        check_session(request, settings, sent)
        changes = request.method not in SAFE
        request.app.state.quotas.count_request(request, browser.holder, changes=changes)
        return Myself(browser, actor_of(request, browser.principal))


def signed_in(why: str) -> Any:  # noqa: ANN401 - as Depends itself
    """Declare that a route is for everybody with a session, as the type of a parameter: Annotated[Myself, …]."""
    return Depends(SignedIn(why))
