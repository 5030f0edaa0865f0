"""Invite somebody: an account if they have none, a role, and a letter. They begin by choosing a password."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from domain.access.grants import grants_of
from domain.access.letters import post
from domain.access.memberships import Giver, give_role, place_name
from domain.access.models import User
from domain.access.password_policy import check_password
from domain.access.passwords import hash_password
from domain.access.people import acting_as, get_user, read_address, record_about
from domain.access.principal import Grant
from domain.access.tokens import Held, TokenSpentError, issue_token, look_up, spend
from domain.access.users import read_name
from domain.kernel.errors import ConflictError
from domain.kernel.ids import new_id
from domain.kernel.redaction import redact_email

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from domain.access.authorize import RoleBook
    from domain.access.ports import Sealer
    from domain.audit.record import Actor
    from domain.kernel.database import Database


class AccountDisabledError(ConflictError):
    """The account of this person is disabled. Enable it first."""


@dataclass(frozen=True, slots=True)
class Invitation:
    """Whom to invite, to which role, and to whom they will report there."""

    email: str
    grant: Grant
    name: str = ""
    reports_to: UUID | None = None


def invite(
    session: Session, book: RoleBook, wanted: Invitation, giver: Giver, *, sealer: Sealer, now: datetime
) -> User:
    """Give somebody a role by their address, and write to them. Needs a platform scope; errors as of `give_role`.

    Who has an account is told of the role. Who was invited before and has not answered gets a new link, and the one
    before works no more. Raises AccountDisabledError.
    """
    user = _account_of(session, wanted)
    if user.disabled_at is not None:
        raise AccountDisabledError
    give_role(session, book, user.id, wanted.grant, giver, reports_to=wanted.reports_to)
    place = place_name(session, wanted.grant)
    if user.email_verified_at is None:
        token = issue_token(session, user.id, "invite", user.email, now)
        post(session, sealer, "invite", user.id, user.email, token=token, place=place)
    else:
        post(session, sealer, "access_given", user.id, user.email, place=place)
    shown = {"address": redact_email(user.email), "role": wanted.grant.role}
    record_about(session, giver.actor, "user.invited", user.id, after=shown, grants=[wanted.grant])
    return user


def remind(session: Session, user: User, place: str, actor: Actor, *, sealer: Sealer, now: datetime) -> None:
    """Write once more to somebody who has not answered their invitation, with a new link."""
    token = issue_token(session, user.id, "invite", user.email, now)
    post(session, sealer, "invite", user.id, user.email, token=token, place=place)
    record_about(session, actor, "user.invited", user.id, after={"address": redact_email(user.email), "again": True})


def see_invitation(session: Session, token: str, now: datetime) -> User:
    """Return who is invited with a token, which stays usable. Raises TokenSpentError."""
    return _invited(session, look_up(session, token, "invite", now))


def accept_invitation(database: Database, token: str, name: str, password: str, now: datetime, origin: Actor) -> UUID:
    """Set the password of who was invited, and return who it is. The address is proved: the letter came to it.

    Raises TokenSpentError, UnfitPasswordError, InvalidInputError for a name that can't be taken, and BusyError. Only
    when it succeeds is the token used up.
    """
    plain = read_name(name)
    with database.platform_scope() as session:
        invited = see_invitation(session, token, now)
        check_password(password, email=invited.email, name=plain or invited.name)
    kept = hash_password(password)
    with database.platform_scope() as session:
        user = _invited(session, spend(session, token, "invite", now))
        user.name = plain or user.name
        user.password_hash, user.password_changed_at, user.email_verified_at = kept, now, now
        grants = grants_of(session, user.id)
        record_about(session, acting_as(origin, user, grants), "user.joined", user.id, grants=grants)
        return user.id


def _account_of(session: Session, wanted: Invitation) -> User:
    """Return the account of an address, locked; it is made if there is none, by one of two who do so at once."""
    address = read_address(wanted.email)
    new = insert(User).values(id=new_id(), email=address, name=read_name(wanted.name))
    session.execute(new.on_conflict_do_nothing(index_elements=["email"]))
    return session.scalars(select(User).where(User.email == address).with_for_update(key_share=True)).one()


def _invited(session: Session, held: Held) -> User:
    user = get_user(session, held.user_id, lock=True)
    if user.disabled_at is not None or user.email != held.email:
        raise TokenSpentError
    return user
