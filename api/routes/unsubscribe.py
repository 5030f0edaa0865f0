"""The page by which a recipient ends the e-mails of a business, and the one click of a mail program (RFC 8058)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import structlog
from fastapi import APIRouter, Depends, Path, Request
from starlette.responses import HTMLResponse, Response

from api.access.requires import public
from api.deps import DatabaseDep
from api.pages import page
from domain.delivery.unsubscribe import UnsubscribeLinks, business_of, unsubscribe
from providers.registry import build_unsubscribe_links

if TYPE_CHECKING:
    from config.settings import Settings

router = APIRouter(tags=["E-mail"], dependencies=[public("the link itself is signed, and was sent to its reader")])
_log = structlog.get_logger(__name__)

Token = Annotated[str, Path(max_length=1000)]


def links_of(request: Request) -> UnsubscribeLinks:
    """Return what reads this installation's links."""
    state = request.app.state
    if not hasattr(state, "unsubscribe_links"):
        settings: Settings = state.settings
        state.unsubscribe_links = build_unsubscribe_links(settings)
    links: UnsubscribeLinks = state.unsubscribe_links
    return links


LinksDep = Annotated[UnsubscribeLinks, Depends(links_of)]


@router.get("/unsubscribe/{token}", include_in_schema=False)
def ask(token: Token, links: LinksDep, database: DatabaseDep) -> Response:
    """Ask whether to end the e-mails. This changes nothing: programs that check links for danger open each one."""
    subscriber = links.read(token)
    found = None if subscriber is None else business_of(database, subscriber)
    if found is None:
        return _shown("unknown", status=404)
    business, ended = found
    return _shown("ended" if ended else "asked", business)


@router.post(
    "/unsubscribe/{token}", response_class=HTMLResponse, responses={404: {"content": {HTMLResponse.media_type: {}}}}
)
def end(token: Token, links: LinksDep, database: DatabaseDep) -> Response:
    """End the e-mails of a business to the address that the link was made for; again and again, if need be.

    Mail programs post here by themselves, without a cookie, when their user asks for it. 404 for a link that is not one
    of ours.
    """
    subscriber = links.read(token)
    found = None if subscriber is None else business_of(database, subscriber)
    if subscriber is None or found is None:
        return _shown("unknown", status=404)
    if unsubscribe(database, subscriber):
        _log.info("unsubscribed", client_id=str(subscriber.client_id))
    return _shown("ended", found[0])


def _shown(state: str, business: str = "", status: int = 200) -> Response:
    response = page("unsubscribe.html", status, state=state, business=business)
    response.headers["x-robots-tag"] = "noindex"
    return response
