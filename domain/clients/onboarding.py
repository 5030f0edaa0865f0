"""Taking a client live."""

from __future__ import annotations

from typing import TYPE_CHECKING

from psycopg.errors import CheckViolation, NoDataFound
from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError

from domain.audit.record import Act, Actor, record
from domain.clients.errors import OnboardingIncompleteError
from domain.clients.locking import locked_client
from domain.clients.models import Client
from domain.kernel.errors import NotFoundError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from sqlalchemy.orm import Session


def missing(client: Client) -> Sequence[str]:
    """Return what a client lacks before it can go live, in words."""
    lacks = []
    if client.sms_number is None and client.messaging_service_sid is None:
        lacks.append("a phone number")
    if client.owner_phone is None and client.owner_email is None:
        lacks.append("an owner to alert")
    return lacks


def go_live(session: Session, client_id: UUID, actor: Actor) -> Client:
    """Take a client live by `complete_onboarding`, on record; one that is live stays so.

    Raises ClientNotFoundError, ArchivedError, OnboardingIncompleteError.
    """
    client = locked_client(session, client_id)
    if not client.onboarding_complete:
        complete_onboarding(session, client_id)
        session.refresh(client)
        act = Act("client.went_live", "client", str(client_id), org_id=client.org_id, client_id=client_id)
        record(session, actor, act)
    return client


def complete_onboarding(session: Session, client_id: UUID) -> None:
    """Set `onboarding_complete`, through the one function of the database that can; doing it again changes nothing.

    A refusal leaves the caller's transaction usable.

    Raises:
        NotFoundError: there is no such client in this scope.
        OnboardingIncompleteError: the client has no number, or no owner to alert; the message says which.

    """
    try:
        with session.begin_nested():
            session.execute(select(func.complete_onboarding(client_id)))
    except DBAPIError as error:
        refusal = error.orig
        if isinstance(refusal, NoDataFound):
            raise NotFoundError("There is no such client in this organization.") from error
        if isinstance(refusal, CheckViolation):
            raise OnboardingIncompleteError(refusal.diag.message_primary or "") from error
        raise
