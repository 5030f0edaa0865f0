"""A person's account: how an address is read, who they are in the audit log, and in which organizations they show."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from sqlalchemy import select

from domain.access.grants import grants_of
from domain.access.models import User
from domain.audit.record import Act, Actor, record
from domain.kernel.errors import InvalidInputError, NotFoundError
from domain.kernel.ids import PLATFORM_ORG_ID
from domain.kernel.redaction import redact_email

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from uuid import UUID

    from sqlalchemy.orm import Session

    from domain.access.principal import Grant

LONGEST_ADDRESS: Final = 254
"""Characters, as RFC 5321 allows."""
_ADDRESS: Final = re.compile(r"[^@\s<>\",;:\\()\[\]]{1,64}@[^@\s<>\",;:\\()\[\]]+\.[^@\s<>\",;:\\()\[\].]+")


class UserNotFoundError(NotFoundError):
    """There is no such user."""


class UnfitAddressError(InvalidInputError):
    """What was given is not an e-mail address."""


def find_address(typed: str) -> str | None:
    """Return an e-mail address as accounts have it, in lower case; None for what is none."""
    address = typed.strip().lower()
    fits = len(address) <= LONGEST_ADDRESS and address.isprintable() and _ADDRESS.fullmatch(address)
    return address if fits else None


def read_address(typed: str) -> str:
    """Return an e-mail address as accounts have it, in lower case. Raises UnfitAddressError."""
    address = find_address(typed)
    if address is None:
        raise UnfitAddressError
    return address


def get_user(session: Session, user_id: UUID, *, lock: bool = False) -> User:
    """Return a user, locked if asked for. Needs a platform scope. Raises UserNotFoundError."""
    query = select(User).where(User.id == user_id)
    # Not a lock on the key: what only points to a user, as a role does to a boss, need not wait.
    user = session.scalars(query.with_for_update(key_share=True) if lock else query).one_or_none()
    if user is None:
        raise UserNotFoundError
    return user


def name_of(user: User) -> str:
    """Return what a person is called where no address may stand."""
    return user.name or redact_email(user.email)


def acting_as(origin: Actor, user: User, grants: Iterable[Grant]) -> Actor:
    """Return a person as the one who acts, from where the request came."""
    held = tuple((one.role, one.org_id) for one in grants)
    role = ", ".join(sorted({role for role, _ in held})) or "none"
    return replace(origin, name=name_of(user), role=role, user_id=user.id, held=held)


def record_about(
    session: Session,
    actor: Actor,
    action: str,
    user_id: UUID,
    *,
    reason: str | None = None,
    before: Mapping[str, object] | None = None,
    after: Mapping[str, object] | None = None,
    grants: Iterable[Grant] | None = None,
) -> None:
    """Record what was done to an account, for each organization and client in which its person has a role that counts.

    The administrators of each see what concerns their people, and the roles that these have there; of somebody without
    a role, those of the platform see it.
    """
    held = tuple(grants_of(session, user_id) if grants is None else grants)
    for org_id, client_id in places(held):
        act = Act(action, "user", str(user_id), reason, before, after, org_id, client_id)
        record(session, actor, act)


def places(grants: Iterable[Grant]) -> list[tuple[UUID, UUID | None]]:
    """Return where somebody shows: their organizations, and of one the clients when they have no role in all of it."""
    found = {(grant.org_id, grant.client_id) for grant in grants}
    whole = {org_id for org_id, client_id in found if client_id is None}
    shown = [(org_id, client_id) for org_id, client_id in found if client_id is None or org_id not in whole]
    return sorted(shown, key=str) or [(PLATFORM_ORG_ID, None)]
