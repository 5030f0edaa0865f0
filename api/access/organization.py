"""Which organization a request is about.

Its header says so, its host name, its key, what its session chose, the only one there is, or the configured default.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, urlsplit
from uuid import UUID

from api.access.browser import known_browser
from api.errors import ProblemError
from domain.kernel.ids import PLATFORM_ORG_ID
from domain.tenancy.resolve import OrganizationNotFoundError, ResolvedOrganization, find_organization
from domain.tenancy.slugs import RESERVED

if TYPE_CHECKING:
    from fastapi import Request

    from config.settings import Settings
    from domain.access.principal import Principal
    from domain.kernel.database import Database

_HOST: Final = re.compile(r"([a-z0-9.-]+?)\.?(?::[0-9]{1,5})?")
"""A name, and a port that says nothing. Whatever else a request sends as its host names nobody."""


CHOOSE: Final = "/account/organization"
"""The page on which somebody of several organizations says which the other pages are about."""


def resolve(
    request: Request, settings: Settings, database: Database, principal: Principal
) -> ResolvedOrganization | None:
    """Return the organization that a request names, None when nothing names one.

    Raises:
        ProblemError: 422 for a header that is no id, and for somebody of several organizations who names none; 404 for
            an organization that does not exist. Whoever is not of the platform gets the same 403 for that and for one
            that they don't belong to, so nobody learns who else is served. People who ask for a page are led to where
            they choose one (303), or to their invitations when they belong to none.

    """
    of_theirs = {grant.org_id for grant in principal.grants}
    if not of_theirs and _wants_page(request):
        raise ProblemError(303, headers={"Location": "/account"})
    headers = set(request.headers.getlist("x-org-id"))
    if headers:
        return _find(database, _id_in(headers), of_theirs)
    named = _subdomain(request, settings) or principal.org_id or _chosen(request, of_theirs)
    if named is not None:
        return None if named == PLATFORM_ORG_ID else _find(database, named, of_theirs)
    if not of_theirs or PLATFORM_ORG_ID in of_theirs:
        return None
    if len(of_theirs) == 1:
        return _find(database, next(iter(of_theirs)), of_theirs)
    return _default(request, settings, database, of_theirs)


def _find(database: Database, named: UUID | str, of_theirs: Collection[UUID]) -> ResolvedOrganization:
    try:
        with database.platform_scope() as session:
            found = find_organization(session, named)
    except OrganizationNotFoundError:
        if PLATFORM_ORG_ID in of_theirs:
            raise ProblemError(404, "There is no such organization.") from None
        raise _foreign() from None
    if found.id not in of_theirs and PLATFORM_ORG_ID not in of_theirs:
        raise _foreign()
    return found


def _chosen(request: Request, of_theirs: Collection[UUID]) -> UUID | None:
    """Return what the session chose, as long as they may be there: a choice outlives a role."""
    browser = known_browser(request)
    chosen = browser.session.chosen_org_id if browser else None
    return chosen if chosen in of_theirs or PLATFORM_ORG_ID in of_theirs else None


def _default(
    request: Request, settings: Settings, database: Database, of_theirs: Collection[UUID]
) -> ResolvedOrganization:
    """Return the configured organization for somebody of several."""
    try:
        return _find(database, _configured(settings), of_theirs)
    except ProblemError:
        if not _wants_page(request):
            raise
        wanted = quote(request.url.path + (f"?{request.url.query}" if request.url.query else ""), safe="/")
        raise ProblemError(303, headers={"Location": f"{CHOOSE}?next={wanted}"}) from None


def _configured(settings: Settings) -> UUID | str:
    if settings.default_organization is None:
        raise ProblemError(422, "You belong to several organizations. Say which, by the header X-Org-Id.")
    return settings.default_organization


def _wants_page(request: Request) -> bool:
    """Whether somebody who signed in with a browser goes to a page; what its scripts ask for gets a document."""
    is_page = request.method == "GET" and "text/html" in request.headers.get("accept", "")
    return is_page and known_browser(request) is not None


def _id_in(headers: set[str]) -> UUID:
    """Return the id in a header. Two that differ are none: a proxy may have judged by the other one."""
    try:
        (header,) = headers
        return UUID(header)
    except ValueError:
        raise ProblemError(422, "X-Org-Id has to be the id of an organization.") from None


def _subdomain(request: Request, settings: Settings) -> str | None:
    """Return the label in front of the public host name: `acme` of `acme.gatehouse.example`.

    None for the platform's own names, such as `www`, and for a host that is not below the public one, whatever it is.
    """
    asked = _HOST.fullmatch(request.headers.get("host", "").lower())
    label, _, rest = asked[1].partition(".") if asked else ("", "", "")
    return label if rest and rest == _public(settings) and label not in RESERVED | {""} else None


def _public(settings: Settings) -> str:
    """Return the host of our own pages as a browser sends it: in ASCII, lower case, without a final dot."""
    try:
        return (urlsplit(settings.public_url).hostname or "").encode("idna").decode("ascii").lower().removesuffix(".")
    except ValueError:
        return ""


def _foreign() -> ProblemError:
    return ProblemError(403, "You have no access to that organization.", kind="organization")
