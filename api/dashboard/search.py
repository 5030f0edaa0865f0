"""The search over everything: one field, asked of every finder whose permission whoever searches has."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Final

from fastapi import APIRouter, Query, Request
from starlette.responses import RedirectResponse, Response

from api.access.requires import Access, requires
from api.dashboard.finder import Asked, Finder, Hit
from api.dashboard.finders import ClientFinder, JobFinder, OrganizationFinder
from api.dashboard.frame import page_paths
from api.dashboard.message_finders import DeliveryFinder, JourneyFinder
from api.dashboard.user_finder import UserFinder
from api.deps import DatabaseDep
from api.pages import page

if TYPE_CHECKING:
    from fastapi import FastAPI

FINDERS: Final[tuple[Finder, ...]] = (
    ClientFinder(),
    OrganizationFinder(),
    UserFinder(),
    JourneyFinder(),
    DeliveryFinder(),
    JobFinder(),
)
"""In the order of their groups on the page."""

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class Group:
    """What one finder found; each hit with whether its page is there."""

    title: str
    hits: Sequence[tuple[Hit, bool]]


@router.get("/dashboard/search")
def search(
    request: Request,
    access: Annotated[Access, requires("account.view")],
    database: DatabaseDep,
    q: Annotated[str, Query(max_length=400)] = "",
) -> Response:
    """Show what was found, in groups; go straight to the only thing that an id names."""
    asked = Asked.read(q)
    theirs = [(finder, within) for finder in FINDERS if (within := access.by(finder.permission)) is not None]
    groups = [
        Group(finder.title, [(hit, _is_page(request.app, hit.href)) for hit in hits])
        for finder, within in theirs
        if asked.words and (hits := finder.find(within, asked, database))
    ]
    found = [one for group in groups for one in group.hits]
    if asked.exact and len(found) == 1 and found[0][1]:
        return RedirectResponse(found[0][0].href, status_code=303)
    takes = [finder.takes for finder, _ in theirs]
    return page("search.html", request=request, asked=asked, groups=groups, takes=takes)


def _is_page(app: FastAPI, href: str) -> bool:
    """Whether there is a page at a path, so that nothing leads to one that is not there."""
    if not hasattr(app.state, "page_patterns"):
        app.state.page_patterns = [
            re.compile("/".join("[^/]+" if part.startswith("{") else re.escape(part) for part in path.split("/")))
            for path in page_paths(app)
        ]
    path = href.partition("?")[0].partition("#")[0]
    return any(pattern.fullmatch(path) for pattern in app.state.page_patterns)
