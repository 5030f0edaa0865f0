"""API keys of machines: listed, made, replaced and ended. A key itself is shown once, on the page that answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from api.access.requires import Access, requires
from api.dashboard.deliveries import client_options
from api.dashboard.flash import flash
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

if TYPE_CHECKING:
    from api.schemas.api_keys import KeyDocument

router = APIRouter(include_in_schema=False)
Viewing = Annotated[Access, requires("api_keys.view")]
Changing = Annotated[Access, requires("api_keys.change")]
Revoking = Annotated[Access, requires("api_keys.revoke")]
PATH: Final = "/dashboard/keys"
_PAGE: Final = 50
_OVERLAP_HOURS: Final = 24


@router.get(PATH)
def keys(request: Request, access: Viewing, database: DatabaseDep, roles: RolesDep, after: After = None) -> Response:
    """Show the keys, the oldest first, also those that ended."""
    found = api_keys.list_(database, access, limit=_PAGE, after=after)
    clients = [("", "All of the organization")]
    if access.org_id is not None:
        with access.scope() as session:
            clients += client_options(session)[1:]
    return page(
        "keys.html",
        request=request,
        keys=[(key, _state(key)) for key in found.items],
        next_page=found.next,
        roles={name: role.display_name for name, role in roles.roles.items()},
        clients=clients,
        may={"change": access.may("api_keys.change"), "revoke": access.may("api_keys.revoke")},
        overlap=_OVERLAP_HOURS,
    )


@router.post(PATH)
def make(request: Request, form: Posted, access: Changing) -> Response:
    """Make a key and show it, this once."""
    sent = texts(form)
    client = sent.get("client", "")
    try:
        wanted = NewKeyDocument(
            name=sent.get("name", ""), role=sent.get("role", ""), client_id=UUID(client) if client else None
        )
    except ValueError:
        raise ProblemError(422, "Give the key a name and one of the roles.") from None
    made = api_keys.create(request, wanted, access)
    return page("key_made.html", 201, request=request, key=made, until=None)


@router.post(f"{PATH}/{{key_id}}/rotate")
def rotate(request: Request, key_id: UUID, access: Changing) -> Response:
    """Make a key in place of one, which works on for a day, and show the new one, this once."""
    made = api_keys.rotate(request, key_id, RotationDocument(overlap_hours=_OVERLAP_HOURS), access)
    return page("key_made.html", 201, request=request, key=made, until=made.previous_until)


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


def _state(key: KeyDocument) -> State:
    if key.revoked_at is not None:
        return State("plain", "ended")
    if key.maker == "left":
        return State("limited", "works", "Who made it has left.")
    return State("good", "works")
