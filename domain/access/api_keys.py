"""Machines' keys: made, listed, rotated and revoked. The key itself is returned once, when it is made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from sqlalchemy import exists, func, select
from sqlalchemy.exc import IntegrityError

from domain.access.delegation import require_no_further
from domain.access.key_text import digest, new_key
from domain.access.models import ApiKey
from domain.access.principal import Grant, Principal
from domain.audit.record import Act, Actor, record
from domain.kernel.errors import ConflictError, InvalidInputError, NotFoundError
from domain.kernel.ids import new_id
from domain.kernel.reasons import fit_reason

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from domain.access.authorize import RoleBook

LONGEST_OVERLAP: Final = timedelta(days=30)
OVERLAP: Final = timedelta(hours=24)
"""How long a rotated key works on, unless another time is named."""
MOST_KEYS: Final = 200
"""That work, of one organization."""
_LONGEST_NAME: Final = 100


class KeyNotFoundError(NotFoundError):
    """There is no such API key."""


class UnfitKeyError(InvalidInputError):
    """An API key can't be as it was asked for."""


class KeyEndedError(ConflictError):
    """The API key works no more, or was rotated before."""


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key as it is asked for: a role in an organization or for one client of it.

    `scopes`: the permissions of the role that it has, None for all of them. `expires_at`: None for never.
    """

    org_id: UUID
    name: str
    role: str
    client_id: UUID | None = None
    scopes: Sequence[str] | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Making:
    """Under what a key is made: who acts, what the roles say, and the time.

    `giver`: whom the key must not outreach; None for whoever runs commands on the platform's own machine.
    """

    actor: Actor
    book: RoleBook
    now: datetime
    giver: Principal | None


def list_keys(
    session: Session, *, org_id: UUID | None = None, limit: int = 50, after: UUID | None = None
) -> Sequence[ApiKey]:
    """Return keys, also those that ended, oldest first; page on with the last id."""
    statement = select(ApiKey).order_by(ApiKey.id).limit(limit)
    if org_id is not None:
        statement = statement.where(ApiKey.org_id == org_id)
    if after is not None:
        statement = statement.where(ApiKey.id > after)
    return session.scalars(statement).all()


def require_key(session: Session, key_id: UUID) -> None:
    """Raise KeyNotFoundError for a key that is not one of this scope."""
    if session.get(ApiKey, key_id) is None:
        raise KeyNotFoundError(f"There is no key {key_id}.")


def create_key(session: Session, new: NewKey, making: Making) -> tuple[ApiKey, str]:
    """Make a key and return its row and, this once, the key.

    Raises UnfitKeyError, ReachesTooFarError, and NotFoundError for an unknown organization or client.
    """
    _require_fit(new, making)
    working = select(func.count()).where(ApiKey.org_id == new.org_id, _works(making.now))
    if (session.scalar(working) or 0) >= MOST_KEYS:
        raise KeyEndedError(f"The organization has {MOST_KEYS} keys, the most that it may have. Revoke one.")
    key, text = _insert(session, new, making)
    _audit(session, making.actor, "created", key, after=_shown(key))
    return key, text


def rotate_key(
    session: Session, key_id: UUID, making: Making, *, overlap: timedelta = OVERLAP
) -> tuple[ApiKey, str, datetime]:
    """Make a key in place of another; return its row, this once the key, and until when the other one works.

    It lives as long as the one before was meant to. Raises KeyNotFoundError, KeyEndedError, UnfitKeyError and
    ReachesTooFarError.
    """
    if not timedelta(0) <= overlap <= LONGEST_OVERLAP:
        raise UnfitKeyError(f"A rotated key works on for at most {LONGEST_OVERLAP.days} days.")
    old = _locked(session, key_id)
    if not _still_works(old, making.now):
        raise KeyEndedError("This API key works no more: create a new one.")
    if session.scalar(select(exists().where(ApiKey.replaces == key_id, ApiKey.revoked_at.is_(None)))):
        raise KeyEndedError("This API key was rotated before: rotate the one that replaced it.")
    life = None if old.expires_at is None else making.now + (old.expires_at - old.created_at)
    new = NewKey(old.org_id, old.name, old.role, old.client_id, old.scopes, life)
    _require_fit(new, making)
    before = _shown(old)
    key, text = _insert(session, new, making, replaces=old.id)
    until = making.now + overlap
    ends = until if old.expires_at is None else min(old.expires_at, until)
    old.expires_at = ends
    session.flush()
    after = _shown(key) | {"replaces": str(old.id), "works_until": ends.isoformat()}
    _audit(session, making.actor, "rotated", key, before=before, after=after)
    return key, text, ends


def revoke_key(session: Session, key_id: UUID, reason: str, actor: Actor, now: datetime) -> ApiKey:
    """End a key at once; one that was revoked before stays as it is.

    Raises KeyNotFoundError, ReasonMissingError.
    """
    reason = fit_reason(reason)
    key = _locked(session, key_id)
    if key.revoked_at is None:
        key.revoked_at = now
        session.flush()
        _audit(session, actor, "revoked", key, reason=reason, before=_shown(key))
    return key


def _require_fit(new: NewKey, making: Making) -> None:
    name = new.name.strip()
    if not name or len(name) > _LONGEST_NAME or not name.isprintable():
        raise UnfitKeyError(f"Name the key in at most {_LONGEST_NAME} printable characters.")
    if new.expires_at is not None and new.expires_at <= making.now:
        raise UnfitKeyError("The time at which the key expires has passed already.")
    book = making.book
    of_role = {name for name in book.permissions if book.scope_of(new.role, name, new.org_id) is not None}
    if not of_role:
        raise UnfitKeyError(f"There is no role {new.role!r} that allows anything.")
    unknown = sorted(set(new.scopes or ()) - of_role)
    if unknown:
        raise UnfitKeyError(f"The role {new.role!r} does not have the permission {unknown[0]!r}.")
    if new.scopes is not None and not new.scopes:
        raise UnfitKeyError("Name at least one permission, or leave them out for all that the role has.")
    if making.giver is not None:
        made = Principal(
            kind="api_key",
            name=new.name,
            grants=(Grant(new.role, new.org_id, new.client_id),),
            id=new_id(),
            org_id=new.org_id,
            permissions=None if new.scopes is None else frozenset(new.scopes),
        )
        require_no_further(book, making.giver, made, new.org_id)


def _insert(session: Session, new: NewKey, making: Making, *, replaces: UUID | None = None) -> tuple[ApiKey, str]:
    prefix, text = new_key()
    key = ApiKey(
        id=new_id(),
        org_id=new.org_id,
        client_id=new.client_id,
        name=new.name.strip(),
        prefix=prefix,
        secret_hash=digest(text),
        role=new.role,
        scopes=None if new.scopes is None else sorted(set(new.scopes)),
        created_by=making.actor.name,
        created_by_user=making.actor.user_id,
        created_at=making.now,
        expires_at=new.expires_at,
        replaces=replaces,
    )
    try:
        with session.begin_nested():
            session.add(key)
            session.flush()
    except IntegrityError as error:
        # Foreign keys are the only constraints that what was asked for can break.
        raise NotFoundError("There is no such organization, or it has no such client.") from error
    return key, text


def _locked(session: Session, key_id: UUID) -> ApiKey:
    found = session.scalar(select(ApiKey).where(ApiKey.id == key_id).with_for_update())
    if found is None:
        raise KeyNotFoundError(f"There is no API key {key_id}.")
    return found


def _works(now: datetime) -> Any:  # noqa: ANN401 - as SQLAlchemy has it
    return ApiKey.revoked_at.is_(None) & (ApiKey.expires_at.is_(None) | (ApiKey.expires_at > now))


def _still_works(key: ApiKey, now: datetime) -> bool:
    return key.revoked_at is None and (key.expires_at is None or key.expires_at > now)


def _shown(key: ApiKey) -> dict[str, object]:
    return {
        "name": key.name,
        "prefix": key.prefix,
        "role": key.role,
        "client_id": None if key.client_id is None else str(key.client_id),
        "scopes": key.scopes,
        "expires_at": None if key.expires_at is None else key.expires_at.isoformat(),
    }


def _audit(
    session: Session,
    actor: Actor,
    verb: str,
    key: ApiKey,
    *,
    reason: str | None = None,
    before: Mapping[str, object] | None = None,
    after: Mapping[str, object] | None = None,
) -> None:
    act = Act(
        f"api_key.{verb}",
        "api_key",
        str(key.id),
        reason=reason,
        before=before,
        after=after,
        org_id=key.org_id,
        client_id=key.client_id,
    )
    record(session, actor, act)
