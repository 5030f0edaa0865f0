"""Taking a client live."""

from __future__ import annotations

from typing import TYPE_CHECKING

from psycopg.errors import CheckViolation, NoDataFound
from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError

from domain.clients.errors import OnboardingIncompleteError
from domain.kernel.errors import NotFoundError

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy.orm import Session


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
