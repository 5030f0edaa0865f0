"""Sign in with a password, then with a second factor if there is one.

Whether an account exists shows neither in the words, nor in the time, nor in when guessing has to wait: an unknown
address is looked up, checked against a hash, counted and made to wait as a known one is.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Final
from uuid import UUID

from sqlalchemy import select, update

from domain.access.grants import grants_of
from domain.access.lockout import address_key, code_key, forgive, lock_of, take_guess
from domain.access.models import User
from domain.access.passwords import hash_password, is_outdated, is_right
from domain.access.people import acting_as, find_address, get_user, places, record_about
from domain.access.second_factor import check_second_factor
from domain.access.standing import CHANGED, DISABLED, standing_of
from domain.audit.record import Act, Actor, record
from domain.kernel.redaction import redact_email

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from domain.access.lockout import Guesses
    from domain.access.ports import Sealer
    from domain.kernel.database import Database

_NO_MATCH: Final = "This address and password do not belong together."
_NO_CODE: Final = "This code is not right, or it was used already."
_NOBODY: Final = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Refused:
    """They are not let in; `words` say why, as far as may be said."""

    words: str


@dataclass(frozen=True, slots=True)
class Locked:
    """There were too many wrong guesses; none is looked at before `until`, which is no sign of an account."""

    until: datetime


@dataclass(frozen=True, slots=True)
class NeedsSecondFactor:
    """The password is right; `check_code_sign_in` has to follow before they are let in.

    `standing`: a mark of what was checked (`domain.access.standing`), which has to hold until they are in.
    """

    user_id: UUID
    standing: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Accepted:
    """They are let in, if `standing` still holds when their session is opened. The empty one never does."""

    user_id: UUID
    standing: str = field(default="", compare=False)


SignIn = Refused | Locked | NeedsSecondFactor | Accepted


@dataclass(frozen=True, slots=True)
class _Kept:
    user_id: UUID
    password_hash: str | None


def check_password_sign_in(database: Database, email: str, password: str, now: datetime, origin: Actor) -> SignIn:
    """Check an address and a password, in three steps, so that no transaction is open while the password is hashed.

    `origin` is where the request came from; its name and role are replaced by the person's. Raises BusyError.
    """
    key = address_key(email)
    with database.platform_scope() as session:
        may_guess, guesses = take_guess(session, key, now)
        kept = _kept(session, email)
    if not may_guess:
        return Locked(guesses.locked_until or now)
    right = is_right(kept.password_hash if kept else None, password)
    if kept is None or not right:
        with database.platform_scope() as session:
            _record_failure(session, kept, email, guesses, origin)
        return Refused(_NO_MATCH)
    anew = hash_password(password) if is_outdated(kept.password_hash or "") else None
    with database.platform_scope() as session:
        return _let_in(session, kept, anew, key, now, origin)


def check_code_sign_in(
    database: Database, needed: NeedsSecondFactor, code: str, now: datetime, *, sealer: Sealer, origin: Actor
) -> SignIn:
    """Check the second factor of somebody whose password was right. Returns Refused, Locked or Accepted."""
    user_id = needed.user_id
    with database.platform_scope() as session:
        until = lock_of(session, code_key(user_id), now)
    if until is not None:
        return Locked(until)
    right = check_second_factor(database, user_id, code, now, sealer)
    with database.platform_scope() as session:
        user = get_user(session, user_id, lock=True)
        grants = grants_of(session, user_id)
        actor = acting_as(origin, user, grants)
        if not right:
            until = lock_of(session, code_key(user_id), now)
            after = {"factor": "code", "locked_until": until and until.isoformat()}
            record_about(session, actor, "user.sign_in_failed", user_id, after=after, grants=grants)
            return Refused(_NO_CODE)
        if user.disabled_at is not None:
            return Refused(DISABLED)
        if standing_of(user) != needed.standing:
            return Refused(CHANGED)
        user.last_sign_in_at = now
        record_about(session, actor, "user.sign_in", user_id, after={"second_factor": True}, grants=grants)
    return Accepted(user_id, needed.standing)


def turn_away(database: Database, accepted: Accepted, words: str, origin: Actor) -> None:
    """Record that somebody who was let in came too late for their session: what they showed holds no more."""
    with database.platform_scope() as session:
        user = get_user(session, accepted.user_id)
        # That an account is disabled is the platform's to know.
        grants = () if words == DISABLED else grants_of(session, user.id)
        actor = acting_as(origin, user, grants)
        after = {"factor": "changed", "words": words}
        record_about(session, actor, "user.sign_in_failed", user.id, after=after, grants=grants)


def _kept(session: Session, email: str) -> _Kept | None:
    # What is no address is looked for as well: the look must not be missed in the time that it takes.
    row = session.execute(select(User.id, User.password_hash).where(User.email == (find_address(email) or ""))).first()
    return None if row is None else _Kept(*row)


def _let_in(session: Session, kept: _Kept, anew: str | None, key: bytes, now: datetime, origin: Actor) -> SignIn:
    user = get_user(session, kept.user_id, lock=True)
    if session.scalar(select(User.password_hash).where(User.id == user.id)) != kept.password_hash:
        return Refused(_NO_MATCH)  # It was changed while it was being checked.
    forgive(session, key)
    if user.disabled_at is not None:
        return Refused(DISABLED)
    if anew is not None:
        session.execute(update(User).where(User.id == user.id).values(password_hash=anew))
    if user.totp_confirmed_at is not None:
        return NeedsSecondFactor(user.id, standing_of(user))
    user.last_sign_in_at = now
    grants = grants_of(session, user.id)
    after = {"second_factor": False}
    record_about(session, acting_as(origin, user, grants), "user.sign_in", user.id, after=after, grants=grants)
    return Accepted(user.id, standing_of(user))


def _record_failure(session: Session, kept: _Kept | None, email: str, guesses: Guesses, origin: Actor) -> None:
    # The same statements run whether there is such a user or not; the time that they take tells nothing.
    user_id = kept.user_id if kept else _NOBODY
    user = session.scalars(select(User).where(User.id == user_id)).one_or_none()
    grants = grants_of(session, user_id)
    until = guesses.locked_until
    after = {"factor": "password", "failures": guesses.failures, "locked_until": until and until.isoformat()}
    if user is None:
        actor, target = origin, "unknown"
        after["address"] = redact_email(find_address(email) or "none")
    else:
        actor, target = acting_as(origin, user, grants), str(user.id)
    for action in ("user.sign_in_failed", *(["user.locked"] if until else [])):
        for org_id, client_id in places(grants):
            act = Act(action, "user", target, None, None, after, org_id, client_id)
            record(session, actor, act)
