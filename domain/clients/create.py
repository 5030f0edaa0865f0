"""Take a client on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from domain.audit.record import Act, Actor, record
from domain.clients.details import Details, fit_details, store
from domain.clients.errors import UnfitClientError
from domain.clients.models import Client, ClientSettings
from domain.kernel.ids import new_id
from domain.tenancy.listing import get_organization
from domain.tenancy.slugs import check_slug, slug_of

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


def create_client(session: Session, org_id: UUID, details: Details, actor: Actor, *, slug: str | None = None) -> Client:
    """Create a client that is not live yet, with the default settings, on record.

    `slug` is made of the name when it is left out. In the organization's scope or a platform's.

    Raises:
        OrganizationNotFoundError: there is none in this scope that is a tenant.
        UnfitClientError, InvalidNumberError, UnfitNameError, UnfitSlugError: something can't be as it was given.
        TakenError: another client has its number, its Messaging Service or its slug.

    """
    if "name" not in details:
        raise UnfitClientError("A client needs a name.")
    fit: dict[str, Any] = fit_details(details)
    word = slug_of(fit["name"]) if slug is None else check_slug(slug)
    if not word:
        raise UnfitClientError("No slug can be made of this name. Give one: letters a to z, digits and hyphens.")
    get_organization(session, org_id)
    client = Client(id=new_id(), org_id=org_id, slug=word, **fit)
    store(session, client)
    session.add(ClientSettings(client_id=client.id, org_id=org_id))
    after = {"slug": word, **fit}
    act = Act("client.created", "client", str(client.id), after=after, org_id=org_id, client_id=client.id)
    record(session, actor, act)
    return client
