"""People: find them, make an account, disable and enable it. All of it needs a platform scope."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final, Literal
from uuid import UUID

from sqlalchemy import ColumnElement, exists, false, or_, select

from domain.access.administrators import keep_an_administrator
from domain.access.memberships import memberships_of
from domain.access.models import Membership, User
from domain.access.people import UserNotFoundError, find_address, get_user, read_address, record_about
from domain.access.sessions import end_sessions_of
from domain.access.tokens import void_tokens
from domain.access.within import EVERYTHING, Within
from domain.kernel.errors import ConflictError, InvalidInputError
from domain.kernel.ids import new_id
from domain.kernel.reasons import fit_reason
from domain.kernel.redaction import redact_email

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from domain.access.authorize import RoleBook
    from domain.audit.record import Actor

UserState = Literal["active", "invited", "disabled"]
LONGEST_NAME: Final = 200
"""Characters."""


class AddressTakenError(ConflictError):
    """There is an account with this address already."""


@dataclass(frozen=True, slots=True)
class UserFilter:
    """Which people are meant; what is None does not narrow. `text` is looked for in names and addresses."""

    text: str | None = None
    role: str | None = None
    state: UserState | None = None
    client_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class ListedUser:
    """A person, with the roles that are within reach of whoever looks.

    `whole`: whether they see what is the person's own as well, as the platform does: when they signed in, whether and
    why their account is disabled. To all others a disabled account is in the state in which it was.
    """

    user: User
    state: UserState
    memberships: Sequence[Membership]
    whole: bool


def list_users(
    session: Session, which: UserFilter, within: Within, *, limit: int = 50, after: UUID | None = None
) -> Sequence[ListedUser]:
    """Return people by their ids, the oldest account first; page on with the last id.

    Who has yet to accept is not among them: of these an organization sees invitations (`consent.list_invitations`).
    """
    query = select(User).where(_is_within(which, within)).order_by(User.id).limit(limit)
    if which.text is not None:
        wanted = which.text.strip().lower()
        found = or_(User.email.contains(wanted, autoescape=True), User.name.icontains(wanted, autoescape=True))
        query = query.where(found)
    if which.state is not None:
        query = query.where(_has_state(which.state, within))
    if after is not None:
        query = query.where(User.id > after)
    return _listed(session, session.scalars(query).all(), within)


def show_user(session: Session, user_id: UUID, within: Within) -> ListedUser:
    """Return one person. Raises UserNotFoundError when there is none, or none within reach."""
    query = select(User).where(User.id == user_id, _is_within(UserFilter(), within))
    found = _listed(session, session.scalars(query).all(), within)
    if not found:
        raise UserNotFoundError
    return found[0]


def find_user(session: Session, named: str) -> User:
    """Return a user by id or address, whoever that is. Raises UserNotFoundError."""
    try:
        return get_user(session, UUID(named))
    except ValueError:
        pass
    user = session.scalars(select(User).where(User.email == (find_address(named) or ""))).one_or_none()
    if user is None:
        raise UserNotFoundError
    return user


def read_name(name: str) -> str:
    """Return a person's name on one line. Raises InvalidInputError for one that is too long or can't be printed."""
    plain = " ".join(name.split())
    if len(plain) > LONGEST_NAME or not plain.isprintable():
        raise InvalidInputError(f"A name has at most {LONGEST_NAME} characters, and no control characters.")
    return plain


def create_user(
    session: Session, email: str, name: str, password_hash: str | None, actor: Actor, now: datetime
) -> User:
    """Make an account. With the hash of a password it can be used at once.

    Raises UnfitAddressError, AddressTakenError, InvalidInputError.
    """
    address, plain = read_address(email), read_name(name)
    if session.scalar(select(User.id).where(User.email == address)) is not None:
        raise AddressTakenError
    user = User(id=new_id(), email=address, name=plain, password_hash=password_hash)
    if password_hash is not None:
        user.password_changed_at = user.email_verified_at = now
    session.add(user)
    session.flush()
    shown = {"address": redact_email(address), "name": plain, "with_password": password_hash is not None}
    record_about(session, actor, "user.created", user.id, after=shown)
    return user


def rename_user(session: Session, user_id: UUID, name: str, actor: Actor) -> User:
    """Give somebody another name. Raises InvalidInputError for one that can't be taken."""
    user, plain = get_user(session, user_id, lock=True), read_name(name)
    if plain != user.name:
        before, user.name = user.name, plain
        record_about(session, actor, "user.renamed", user_id, before={"name": before}, after={"name": plain})
    return user


def disable_user(session: Session, book: RoleBook, user_id: UUID, reason: str, actor: Actor, now: datetime) -> User:
    """Let somebody in no more: their sessions end and their links work no more. Roles stay.

    It is recorded with the platform alone: why, is not for organizations to know. Raises UserNotFoundError,
    ReasonMissingError, LastAdministratorError.
    """
    reason = fit_reason(reason)
    user = get_user(session, user_id, lock=True)
    if user.disabled_at is not None:
        return user
    keep_an_administrator(session, book, without_user=user_id)
    user.disabled_at, user.disabled_reason = now, reason
    void_tokens(session, user_id, "invite", "verify_email", "reset_password")
    ended = end_sessions_of(session, user_id)
    after = {"sessions_ended": ended}
    record_about(session, actor, "user.disabled", user_id, reason=reason, after=after, grants=())
    return user


def enable_user(session: Session, user_id: UUID, actor: Actor) -> User:
    """Let somebody in again, with the roles and the password that they had. Raises UserNotFoundError."""
    user = get_user(session, user_id, lock=True)
    if user.disabled_at is None:
        return user
    before = {"disabled_at": user.disabled_at.isoformat(), "reason": user.disabled_reason}
    user.disabled_at = user.disabled_reason = None
    record_about(session, actor, "user.enabled", user_id, before=before, grants=())
    return user


def state_of(user: User, within: Within = EVERYTHING) -> UserState:
    """Return whether somebody can sign in, has no password yet, or is shut out, which the platform alone sees."""
    if user.disabled_at is not None and within.sees_accounts:
        return "disabled"
    return "invited" if user.email_verified_at is None else "active"


def _has_state(state: UserState, within: Within) -> ColumnElement[bool]:
    if state == "disabled":
        return User.disabled_at.is_not(None) if within.sees_accounts else false()
    verified = User.email_verified_at
    is_it = verified.is_(None) if state == "invited" else verified.is_not(None)
    return User.disabled_at.is_(None) & is_it if within.sees_accounts else is_it


def _is_within(which: UserFilter, within: Within) -> ColumnElement[bool]:
    """Return whom somebody sees: people with a role within reach; with everything within reach, also those without."""
    asks_role = which.role is not None or which.client_id is not None
    if within.is_everything and not asks_role:
        return User.id.is_not(None)
    role = exists().where(Membership.user_id == User.id, within.of_people())
    if which.role is not None:
        role = role.where(Membership.role == which.role)
    if which.client_id is not None:
        role = role.where(Membership.client_id == which.client_id)
    return role


def _listed(session: Session, users: Sequence[User], within: Within) -> Sequence[ListedUser]:
    held = memberships_of(session, [user.id for user in users], within)
    return [
        ListedUser(user, state_of(user, within), [one for one in held if one.user_id == user.id], within.sees_accounts)
        for user in users
    ]
