"""What a letter to a person carries, for one purpose and one use. Its hash is kept; a new one voids the one before."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final
from uuid import UUID

from sqlalchemy import ColumnElement, and_, delete, select, update

from domain.access.models import AccountToken, TokenPurpose
from domain.access.people import get_user
from domain.kernel.errors import NotFoundError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy.orm import Session

LASTS: Final[Mapping[TokenPurpose, timedelta]] = {
    "invite": timedelta(days=7),
    "verify_email": timedelta(hours=24),
    "reset_password": timedelta(hours=1),
}
_BYTES: Final = 32


class TokenSpentError(NotFoundError):
    """The link does not work any more: it was used, it is too old, or a newer one took its place."""


@dataclass(frozen=True, slots=True)
class Held:
    """Whose token it is, and the address that it was sent to."""

    user_id: UUID
    email: str


def hash_of(token: str) -> bytes:
    """Return what is kept of a token; it has 256 random bits, so no slow hash is needed."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def issue_token(session: Session, user_id: UUID, purpose: TokenPurpose, email: str, now: datetime) -> str:
    """Return a new token for an address of somebody; those of the same purpose before it work no more."""
    get_user(session, user_id, lock=True)  # Of two that are made at once, the later one sees the other.
    void_tokens(session, user_id, purpose)
    token = secrets.token_urlsafe(_BYTES)
    expires = now + LASTS[purpose]
    kept = {"token_hash": hash_of(token), "user_id": user_id, "purpose": purpose, "email": email}
    session.add(AccountToken(**kept, created_at=now, expires_at=expires))
    session.flush()
    return token


def void_tokens(session: Session, user_id: UUID, *purposes: TokenPurpose) -> None:
    """Make somebody's tokens for some purposes work no more."""
    session.execute(delete(AccountToken).where(AccountToken.user_id == user_id, AccountToken.purpose.in_(purposes)))


def look_up(session: Session, token: str, purpose: TokenPurpose, now: datetime) -> Held:
    """Return whose token this is and leave it as it is. Raises TokenSpentError."""
    query = select(AccountToken.user_id, AccountToken.email).where(_usable(token, purpose, now))
    row = session.execute(query).one_or_none()
    if row is None:
        raise TokenSpentError
    return Held(*row)


def spend(session: Session, token: str, purpose: TokenPurpose, now: datetime) -> Held:
    """Use a token up and return whose it is; of two who do so at once, one does. Raises TokenSpentError."""
    statement = (
        update(AccountToken)
        .where(_usable(token, purpose, now))
        .values(used_at=now)
        .returning(AccountToken.user_id, AccountToken.email)
    )
    row = session.execute(statement).one_or_none()
    if row is None:
        raise TokenSpentError
    return Held(*row)


def _usable(token: str, purpose: TokenPurpose, now: datetime) -> ColumnElement[bool]:
    return and_(
        AccountToken.token_hash == hash_of(token),
        AccountToken.purpose == purpose,
        AccountToken.used_at.is_(None),
        AccountToken.expires_at > now,
    )
