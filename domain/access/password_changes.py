"""Change a password by knowing it, or by a letter to the account's address. Every other session of its person ends."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from sqlalchemy import select

from domain.access.grants import grants_of
from domain.access.letters import post
from domain.access.lockout import address_key, forgive, take_guess
from domain.access.messages import AnswerResetRequest
from domain.access.models import AccountToken, User
from domain.access.password_policy import check_password
from domain.access.passwords import hash_password, is_right
from domain.access.people import acting_as, find_address, get_user, record_about
from domain.access.sessions import end_sessions_of
from domain.access.tokens import Held, TokenSpentError, issue_token, look_up, spend, void_tokens
from domain.audit.record import Actor
from domain.kernel.errors import BusyError, GatehouseError, InvalidInputError
from domain.kernel.ids import PLATFORM_ORG_ID
from domain.queue.enqueue import enqueue
from domain.queue.outcome import Cancel, Dead, Done, Outcome

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy.orm import Session

    from domain.access.means import AccountMeans
    from domain.access.ports import Sealer
    from domain.kernel.database import Database
    from domain.queue.run import Run

BETWEEN_LETTERS: Final = timedelta(minutes=2)
"""Whoever asks more often than this for the same account gets one letter."""


class WrongPasswordError(InvalidInputError):
    """The present password is not right."""


def prove_password(database: Database, user_id: UUID, password: str, now: datetime) -> str:
    """Return the hash of somebody's present password, which they have to know. Guesses count as at signing in.

    Raises WrongPasswordError; BusyError also while there were too many wrong guesses.
    """
    with database.platform_scope() as session:
        user = get_user(session, user_id)
        kept = session.scalar(select(User.password_hash).where(User.id == user_id))
        key = address_key(user.email)
        may_guess, _ = take_guess(session, key, now)
    if not may_guess:
        raise BusyError("There were too many wrong passwords. Wait a while before the next try.")
    if kept is None or not is_right(kept, password):
        raise WrongPasswordError
    with database.platform_scope() as session:
        forgive(session, key)
    return kept


def change_password(
    database: Database,
    user_id: UUID,
    present: str,
    new: str,
    now: datetime,
    actor: Actor,
    *,
    sealer: Sealer,
    this_session: bytes | None = None,
) -> int:
    """Change the password of somebody who knows it; return how many sessions ended, all but `this_session` (its hash).

    Raises WrongPasswordError, UnfitPasswordError, BusyError.
    """
    proved = prove_password(database, user_id, present, now)
    with database.platform_scope() as session:
        user = get_user(session, user_id)
        check_password(new, email=user.email, name=user.name)
    kept = hash_password(new)
    with database.platform_scope() as session:
        user = get_user(session, user_id, lock=True)
        if session.scalar(select(User.password_hash).where(User.id == user_id)) != proved:
            raise WrongPasswordError  # It was changed meanwhile, somewhere else.
        ended = _set(session, user, kept, now, but=this_session)
        post(session, sealer, "password_changed", user.id, user.email)
        record_about(session, actor, "user.password_changed", user_id, after={"sessions_ended": ended})
    return ended


def request_reset(session: Session, email: str, origin: Actor, *, sealer: Sealer) -> None:
    """Take a request for a link to set a new password. What is done is the same for every address there might be."""
    address = find_address(email)
    if address is None:
        return
    message = AnswerResetRequest(sealer.seal(address), origin.ip, origin.user_agent, origin.request_id)
    enqueue(session, message, org_id=PLATFORM_ORG_ID, unique_key=address_key(address).hex())


def answer_reset_request(message: AnswerResetRequest, run: Run, means: AccountMeans) -> Outcome:
    """Write to whom an address belongs, if it is anybody who can sign in here."""
    now = means.clock.now()
    try:
        address = means.sealer.unseal(message.sealed_address)
    except GatehouseError:
        return Dead("It was sealed with a secret key that is not known any more.", "unsealable")
    with run.scope() as session:
        query = select(User).where(User.email == address, User.disabled_at.is_(None)).with_for_update(key_share=True)
        user = session.scalars(query).one_or_none()
        if user is None or user.email_verified_at is None:
            return run.finish(session, Cancel("Nobody who can sign in has this address."))
        if _wrote_just_now(session, user.id, now):
            return run.finish(session, Cancel("A letter was sent a moment ago."))
        origin = Actor("anonymous", "none", None, message.ip, message.user_agent, message.request_id)
        send_reset(session, user, origin, sealer=means.sealer, now=now)
        return run.finish(session, Done())


def send_reset(session: Session, user: User, actor: Actor, *, sealer: Sealer, now: datetime) -> None:
    """Write somebody a letter by which they set a new password; the one that they have works on."""
    token = issue_token(session, user.id, "reset_password", user.email, now)
    post(session, sealer, "reset_password", user.id, user.email, token=token)
    record_about(session, actor, "user.reset_sent", user.id)


def reset_link(session: Session, user: User, actor: Actor, now: datetime) -> str:
    """Return the path by which somebody sets a new password, for an operator who hands it over; no letter is sent."""
    token = issue_token(session, user.id, "reset_password", user.email, now)
    record_about(session, actor, "user.reset_sent", user.id, after={"by": "link"})
    return f"/account/reset/{token}"


def see_reset(session: Session, token: str, now: datetime) -> User:
    """Return whose password a token sets; it stays usable. Raises TokenSpentError."""
    return _resetting(session, look_up(session, token, "reset_password", now))


def reset_password(
    database: Database, token: str, password: str, now: datetime, origin: Actor, *, sealer: Sealer
) -> UUID:
    """Set a new password by the token of a letter, end all sessions of its person, and return who it is.

    The second factor stays: a mailbox alone opens no account that has one. Waits for wrong guesses end.
    Raises TokenSpentError, UnfitPasswordError, BusyError. Only when it succeeds is the token used up.
    """
    with database.platform_scope() as session:
        user = see_reset(session, token, now)
        check_password(password, email=user.email, name=user.name)
    kept = hash_password(password)
    with database.platform_scope() as session:
        user = _resetting(session, spend(session, token, "reset_password", now))
        ended = _set(session, user, kept, now)
        forgive(session, address_key(user.email))
        post(session, sealer, "password_changed", user.id, user.email)
        grants = grants_of(session, user.id)
        actor, after = acting_as(origin, user, grants), {"sessions_ended": ended}
        record_about(session, actor, "user.password_reset", user.id, after=after, grants=grants)
        return user.id


def _set(session: Session, user: User, kept: str, now: datetime, *, but: bytes | None = None) -> int:
    user.password_hash, user.password_changed_at = kept, now
    session.flush()
    void_tokens(session, user.id, "reset_password")
    return end_sessions_of(session, user.id, but=but)


def _resetting(session: Session, held: Held) -> User:
    user = get_user(session, held.user_id, lock=True)
    if user.disabled_at is not None or user.email != held.email:
        raise TokenSpentError
    return user


def _wrote_just_now(session: Session, user_id: UUID, now: datetime) -> bool:
    latest = select(AccountToken.created_at).where(
        AccountToken.user_id == user_id, AccountToken.purpose == "reset_password", AccountToken.used_at.is_(None)
    )
    made = session.scalar(latest.order_by(AccountToken.created_at.desc()).limit(1))
    return made is not None and timedelta(0) <= now - made < BETWEEN_LETTERS
