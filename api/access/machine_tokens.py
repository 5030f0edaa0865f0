"""Who a bearer token of the configured issuer stands for: its claims as a principal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from api.errors import ProblemError
from domain.access.principal import Grant, Principal
from domain.kernel.ids import PLATFORM_ORG_ID
from domain.tenancy.resolve import OrganizationNotFoundError, find_organization
from providers.jwks.keys import IssuerAwayError
from providers.registry import build_token_reader

if TYPE_CHECKING:
    from fastapi import Request

    from config.settings import Jwt, Settings
    from domain.access.roles.book import Hubs
    from domain.kernel.database import Database
    from providers.jwks.reader import TokenReader

PLATFORM: Final = "platform"
"""What the organization's claim says for the platform itself."""
_LONGEST_NAME: Final = 100


def principal_of(request: Request, token: str, settings: Settings, database: Database) -> Principal | None:
    """Return whom a token stands for, None for nobody. Raises ProblemError (503) while it can't be checked."""
    reader = _reader_of(request, settings)
    if reader is None:
        return None
    try:
        claims = reader.read(token)
    except IssuerAwayError:
        detail = "The issuer of bearer tokens does not answer just now, so this one can't be checked."
        raise ProblemError(503, detail, kind="issuer-away", headers={"retry-after": "30"}) from None
    if claims is None:
        return None
    book: Hubs = request.app.state.roles
    return _principal(claims, settings.jwt, book, database)


def _reader_of(request: Request, settings: Settings) -> TokenReader | None:
    """Return this process's reader; None when no issuer is set, so that no token counts."""
    state = request.app.state
    if not hasattr(state, "token_reader"):
        state.token_reader = build_token_reader(settings)
    reader: TokenReader | None = state.token_reader
    return reader


def _principal(claims: Mapping[str, Any], rules: Jwt, book: Hubs, database: Database) -> Principal | None:
    org_id = _organization(_claim(claims, rules.organization_claim), rules, database)
    if org_id is None:
        return None
    named = _roles(_claim(claims, rules.role_claim), rules)
    grants = tuple(Grant(role, org_id) for role in named if role in book.roles)
    return Principal(
        kind="bearer_token", name=f"token of {claims['sub'][:_LONGEST_NAME]}", grants=grants, org_id=org_id
    )


def _organization(named: object, rules: Jwt, database: Database) -> UUID | None:
    """Return the organization of the platform only where the settings let tokens name it."""
    if not isinstance(named, str) or not named:
        return None
    try:
        wanted: UUID | str = UUID(named)
    except ValueError:
        wanted = named
    if wanted in {PLATFORM, PLATFORM_ORG_ID}:
        return PLATFORM_ORG_ID if rules.allow_platform else None
    try:
        with database.platform_scope() as session:
            return find_organization(session, wanted).id
    except OrganizationNotFoundError:
        return None


def _roles(claimed: object, rules: Jwt) -> list[str]:
    """Return the roles that a token names, each once; with a mapping, names that it lacks don't count."""
    names = [claimed] if isinstance(claimed, str) else claimed
    if not isinstance(names, list):
        return []
    ours = rules.roles_of
    mapped = [ours.get(name) if ours else name for name in names if isinstance(name, str)]
    return list(dict.fromkeys(role for role in mapped if role))


def _claim(claims: Mapping[str, Any], name: str) -> object:
    """Return a claim by its name or, when there is none, by its path: `realm_access.roles`."""
    if name in claims:
        return claims[name]
    found: object = claims
    for part in name.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found
