"""Invite somebody: an account if they have none, a role that they can accept, and a letter.

What is done here is the same whether the address has an account, an account that is disabled, or none: which letter is
written, and whether one is, a worker finds out (`answer_invitation`). So neither the answer nor its time tells.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from domain.access.consent import Offer, accept_shown, offers_to, role_name
from domain.access.grants import grants_of
from domain.access.letter_limit import TOO_MANY, may_be_written_to
from domain.access.letters import post
from domain.access.memberships import Giver, give_role
from domain.access.messages import SendInvitation
from domain.access.models import Membership, User
from domain.access.password_policy import check_password
from domain.access.passwords import hash_password
from domain.access.people import acting_as, get_user, read_address, record_about
from domain.access.principal import Grant
from domain.access.tokens import Held, TokenSpentError, issue_token, look_up, spend
from domain.access.users import read_name
from domain.access.within import place_name
from domain.kernel.errors import ConflictError
from domain.kernel.ids import PLATFORM_ORG_ID, new_id
from domain.queue.enqueue import enqueue
from domain.queue.outcome import Cancel, Done, Outcome

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from domain.access.means import AccountMeans
    from domain.access.messages import LetterKind
    from domain.access.roles.book import Hubs
    from domain.audit.record import Actor
    from domain.kernel.database import Database
    from domain.queue.run import Run


class AccountDisabledError(ConflictError):
    """The account of this person is disabled. Enable it first."""


@dataclass(frozen=True, slots=True)
class Invitation:
    """Whom to invite, to which role, and to whom they will report there."""

    email: str
    grant: Grant
    name: str = ""
    reports_to: UUID | None = None


@dataclass(frozen=True, slots=True)
class Invited:
    """Who came with the link of a letter, what they may accept, and what counts for them already: places and roles."""

    user: User
    offers: Sequence[Offer]
    given: Sequence[tuple[str, str]]


def invite(session: Session, book: Hubs, wanted: Invitation, giver: Giver, now: datetime) -> Membership:
    """Invite somebody to a role by their address, and have them written to; errors as of `give_role`.

    Needs a platform scope. Inviting again writes again and renews the invitation. To the platform, whose the accounts
    are, a disabled one raises AccountDisabledError; for anybody else it looks like every other.
    """
    user = _account_of(session, wanted)
    if user.disabled_at is not None and giver.within.sees_accounts:
        raise AccountDisabledError
    held = give_role(session, book, user.id, wanted.grant, giver, now, reports_to=wanted.reports_to)
    send_offer(session, book, held)
    return held


def send_offer(session: Session, book: Hubs, held: Membership) -> None:
    """Have somebody written to about a role that they were given or invited to, once the transaction commits."""
    place = place_name(session, Grant(held.role, held.org_id, held.client_id))
    enqueue(session, SendInvitation(held.id, place, role_name(book, held.role)), org_id=PLATFORM_ORG_ID)


def answer_invitation(message: SendInvitation, run: Run, means: AccountMeans) -> Outcome:
    """Write to who was invited: with a link to make an account, or to the account that they have."""
    now = means.clock.now()
    with run.scope() as session:
        held = session.get(Membership, message.membership_id)
        user = None if held is None else get_user(session, held.user_id, lock=True)
        if held is None or user is None or user.disabled_at is not None:
            return run.finish(session, Cancel("It was withdrawn or refused, or the account is disabled."))
        if not may_be_written_to(session, user.id, now):
            return run.finish(session, Cancel(TOO_MANY))
        if user.email_verified_at is None:
            token = issue_token(session, user.id, "invite", user.email, now)
            post(session, means.sealer, "invite", user.id, user.email, token=token, place=message.place)
        else:
            letter: LetterKind = "role_offered" if held.accepted_at is None else "access_given"
            post(session, means.sealer, letter, user.id, user.email, place=message.place, role=message.role)
        return run.finish(session, Done())


def see_invitation(session: Session, book: Hubs, token: str, now: datetime) -> Invited:
    """Return who is invited with a token, which stays usable, and to what. Raises TokenSpentError."""
    user = _invited(session, look_up(session, token, "invite", now))
    given = [(place_name(session, one), role_name(book, one.role)) for one in grants_of(session, user.id)]
    return Invited(user, offers_to(session, book, user.id, now), given)


def accept_invitation(
    database: Database,
    token: str,
    name: str,
    password: str,
    now: datetime,
    origin: Actor,
    *,
    accepts: Collection[UUID] = (),
) -> UUID:
    """Set the password of who was invited, and return who it is. The address is proved: the letter came to it.

    Of what they are invited to, `accepts` alone counts from now on: the ids of what they were shown and agreed to.
    Raises TokenSpentError, UnfitPasswordError, InvalidInputError for a name that can't be taken, and BusyError. Only
    when it succeeds is the token used up.
    """
    plain = read_name(name)
    with database.platform_scope() as session:
        invited = _invited(session, look_up(session, token, "invite", now))
        check_password(password, email=invited.email, name=plain or invited.name)
    kept = hash_password(password)
    with database.platform_scope() as session:
        user = _invited(session, spend(session, token, "invite", now))
        user.name = plain or user.name
        user.password_hash, user.password_changed_at, user.email_verified_at = kept, now, now
        session.flush()
        accept_shown(session, user.id, accepts, now, acting_as(origin, user, ()))
        grants = grants_of(session, user.id)
        record_about(session, acting_as(origin, user, grants), "user.joined", user.id, grants=grants)
        return user.id


def _account_of(session: Session, wanted: Invitation) -> User:
    """Return the account of an address, locked; it is made if there is none, by one of two who do so at once."""
    address = read_address(wanted.email)
    new = insert(User).values(id=new_id(), email=address, name=read_name(wanted.name))
    this = select(User).where(User.email == address).with_for_update(key_share=True)
    while True:
        session.execute(new.on_conflict_do_nothing(index_elements=["email"]))
        user = session.scalars(this).one_or_none()
        if user is not None:  # Else it was unused, and forgotten at this moment.
            return user


def _invited(session: Session, held: Held) -> User:
    user = get_user(session, held.user_id, lock=True)
    if user.disabled_at is not None or user.email != held.email:
        raise TokenSpentError
    return user
