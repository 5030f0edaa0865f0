"""Which organization a request is about: its header, its host name, its key, or the configured default."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from uuid import UUID

from api.errors import ProblemError
from domain.kernel.ids import PLATFORM_ORG_ID
from domain.tenancy.resolve import OrganizationNotFoundError, ResolvedOrganization, find_organization

if TYPE_CHECKING:
    from fastapi import Request

    from config.settings import Settings
    from domain.access.principal import Principal
    from domain.kernel.database import Database


def resolve(
    request: Request, settings: Settings, database: Database, principal: Principal
) -> ResolvedOrganization | None:
    """Return the organization that a request names, None when nothing names one.

    Raises:
        ProblemError: 422 for a header that is no id, 404 for an organization that does not exist. Whoever is not of
            the platform gets 403 for both that and one that they don't belong to, so nobody learns who else is served.

    """
    named = _named(request, settings, principal)
    if named is None:
        return None
    try:
        with database.platform_scope() as session:
            return find_organization(session, named)
    except OrganizationNotFoundError:
        if any(grant.org_id == PLATFORM_ORG_ID for grant in principal.grants):
            raise ProblemError(404, "There is no such organization.") from None
        raise ProblemError(403, "You have no access to that organization.", kind="organization") from None


def _named(request: Request, settings: Settings, principal: Principal) -> UUID | str | None:
    header = request.headers.get("x-org-id")
    if header is not None:
        try:
            return UUID(header)
        except ValueError:
            raise ProblemError(422, "X-Org-Id has to be the id of an organization.") from None
    named = _subdomain(request, settings) or principal.org_id
    if named is not None:
        return None if named == PLATFORM_ORG_ID else named
    of_theirs = {grant.org_id for grant in principal.grants}
    if PLATFORM_ORG_ID in of_theirs:
        return None
    return next(iter(of_theirs)) if len(of_theirs) == 1 else settings.default_organization


def _subdomain(request: Request, settings: Settings) -> str | None:
    """Return the label in front of the public host name: `acme` of `acme.gatehouse.example`."""
    public = urlsplit(settings.public_url).hostname or ""
    label, dot, rest = (request.url.hostname or "").lower().partition(".")
    return label if dot and rest == public else None
