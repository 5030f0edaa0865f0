"""API keys of machines: listed, made, replaced and ended. A key itself is shown once, to the browser that made it.

Until then that browser keeps it, sealed: so the page that shows it can be loaded again without making another one.
"""

from __future__ import annotations

import hmac
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from api.access.browser import known_browser, now_of
from api.access.requires import Access, requires
from api.access.sealed_cookies import SealedCookie
from api.dashboard.deliveries import client_names
from api.dashboard.flash import flash
from api.dashboard.giving import FIELD, client_of, organization_of, places
from api.dashboard.organizations import organization_names
from api.dashboard.posted import Posted, texts
from api.dashboard.tables import State
from api.deps import DatabaseDep
from api.errors import ProblemError
from api.pages import page
from api.routes import api_keys
from api.routes.roles import RolesDep
from api.schemas.api_keys import NewKeyDocument, RevocationDocument, RotationDocument
from api.schemas.paging import After
from domain.access.api_keys import require_key
from domain.access.authorize import Scope
from domain.kernel.ids import PLATFORM_ORG_ID

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy.orm import Session

    from api.schemas.api_keys import CreatedKey, KeyDocument
    from config.settings import Settings
    from domain.access.roles.live import LiveRoles

router = APIRouter(include_in_schema=False)
Viewing = Annotated[Access, requires("api_keys.view")]
Changing = Annotated[Access, requires("api_keys.change")]
Revoking = Annotated[Access, requires("api_keys.revoke")]
PATH: Final = "/dashboard/keys"
_PAGE: Final = 50
_OVERLAP_HOURS: Final = 24
_MADE: Final = SealedCookie("gatehouse-key", b"gatehouse key that was made v1", 60)
_EVERYWHERE: Final = "Gatehouse: every organization"


@router.get(PATH)
def keys(request: Request, access: Viewing, database: DatabaseDep, roles: RolesDep, after: After = None) -> Response:
    """Show the keys, the oldest first, also those that ended."""
    found = api_keys.list_(database, access, limit=_PAGE, after=after)
    now = now_of(request)
    with database.platform_scope() as session:
        where = _places_of(session, found.items)
    return page(
        "keys.html",
        request=request,
        keys=[(key, where[key.id], _state(key, now)) for key in found.items],
        next_page=found.next,
        roles={name: role.display_name for name, role in roles.roles.items()},
        places=places(access, "api_keys.change"),
        organization=access.organization,
        everywhere=(str(PLATFORM_ORG_ID), _EVERYWHERE),
        platform_roles=_platform_roles(roles) if _gives_everywhere(access.by("api_keys.change")) else {},
        may={"change": access.may("api_keys.change"), "revoke": access.may("api_keys.revoke")},
        overlap=_OVERLAP_HOURS,
    )


@router.post(PATH)
def make(request: Request, form: Posted, access: Changing) -> Response:
    """Make a key, in the organization for which the form was drawn, and show it once."""
    sent = texts(form)
    asks_everywhere = sent.get(FIELD) == str(PLATFORM_ORG_ID)
    org_id = PLATFORM_ORG_ID if asks_everywhere and _gives_everywhere(access) else organization_of(access, sent)
    try:
        wanted = NewKeyDocument(
            name=sent.get("name", ""), role=sent.get("role", ""), org_id=org_id, client_id=client_of(sent)
        )
    except ValueError:
        raise ProblemError(422, "Give the key a name and one of the roles.") from None
    return _to_be_shown(request, api_keys.create(request, wanted, access))


@router.get(f"{PATH}/made", dependencies=[requires("api_keys.view")])
def made(request: Request) -> Response:
    """Show the key that this browser has made, this once."""
    settings: Settings = request.app.state.settings
    held = _MADE.read(request, settings)
    if held is None or not hmac.compare_digest(held["session"], _session(request)):
        answer = RedirectResponse(PATH, status_code=303)
        flash(request, answer, "A key is shown once. Replace it if nobody has copied it.", "limited")
        return answer
    until = datetime.fromisoformat(held["until"]) if held["until"] else None
    response = page("key_made.html", request=request, name=held["name"], key=held["key"], until=until)
    _MADE.clear(response, settings)
    return response


@router.post(f"{PATH}/{{key_id}}/rotate")
def rotate(request: Request, key_id: UUID, access: Changing) -> Response:
    """Make a key in place of one, which works on for a day, and show the new one once."""
    new = api_keys.rotate(request, key_id, RotationDocument(overlap_hours=_OVERLAP_HOURS), access)
    return _to_be_shown(request, new, new.previous_until)


@router.post(f"{PATH}/{{key_id}}/revoke")
def revoke(request: Request, key_id: UUID, form: Posted, access: Revoking, database: DatabaseDep) -> Response:
    """End a key at once."""
    with access.scope() as session:
        require_key(session, key_id)
    try:
        why = RevocationDocument(reason=texts(form).get("reason", ""))
    except ValueError:
        raise ProblemError(422, "Say why; the reason is kept in the audit log.") from None
    ended = api_keys.revoke(key_id, why, database, access)
    response = RedirectResponse(PATH, status_code=303)
    flash(request, response, f"{ended.name} has ended: whoever sends it is turned away.")
    return response


def _to_be_shown(request: Request, new: CreatedKey, until: datetime | None = None) -> Response:
    """Let the browser keep a new key until its next page shows it; `until`: how long the one before works."""
    response = RedirectResponse(f"{PATH}/made", status_code=303)
    held = {"session": _session(request), "name": new.name, "key": new.key, "until": until.isoformat() if until else ""}
    _MADE.put(request, response, request.app.state.settings, held)
    return response


def _session(request: Request) -> str:
    """Return what tells the session that asks from others of the same browser, as of who signs in after it."""
    browser = known_browser(request)
    return browser.session.token_hash.hex() if browser else ""


def _gives_everywhere(changing: Access | None) -> bool:
    """Whether somebody may make keys for every organization, and has chosen none."""
    return changing is not None and changing.organization is None and changing.reach.everywhere


def _platform_roles(roles: LiveRoles) -> Mapping[str, str]:
    """Return the roles that reach every organization when they are given on the platform."""
    found = {name: roles.effective(name, PLATFORM_ORG_ID) for name in roles.roles}
    return {name: role.display_name for name, role in found.items() if role and Scope.PLATFORM in role.scopes.values()}


def _places_of(session: Session, keys: Sequence[KeyDocument]) -> Mapping[UUID, str]:
    """Return in words where keys reach, by their ids."""
    organizations = organization_names(session, {key.org_id for key in keys})
    clients = client_names(session, {key.client_id for key in keys if key.client_id is not None})

    def words(key: KeyDocument) -> str:
        if key.org_id == PLATFORM_ORG_ID:
            return _EVERYWHERE
        whole = organizations[key.org_id]
        return (
            f"All of {whole}" if key.client_id is None else f"{clients.get(key.client_id, key.client_id)}, of {whole}"
        )

    return {key.id: words(key) for key in keys}


def _state(key: KeyDocument, now: datetime) -> State:
    if key.revoked_at is not None or (key.expires_at is not None and key.expires_at <= now):
        return State("plain", "ended")
    if key.maker == "left":
        return State("limited", "works", "Who made it has left.")
    return State("good", "works")
