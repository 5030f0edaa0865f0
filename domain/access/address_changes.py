"""Change the address of an account: the new one is proved by a letter to it, and the old one is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from domain.access.grants import grants_of
from domain.access.letters import post
from domain.access.models import User
from domain.access.password_changes import prove_password
from domain.access.people import acting_as, get_user, read_address, record_about
from domain.access.tokens import TokenSpentError, issue_token, look_up, spend, void_tokens
from domain.access.users import AddressTakenError
from domain.kernel.redaction import redact_email

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy.orm import Session

    from domain.access.ports import Sealer
    from domain.audit.record import Actor
    from domain.kernel.database import Database


def request_address(
    database: Database, user_id: UUID, address: str, password: str, now: datetime, actor: Actor, *, sealer: Sealer
) -> None:
    """Write to the new address of somebody who knows their password. Until it is proved, the old one stays.

    Nothing says whether another account has it: that shows to whoever reads its letters alone. Raises
    UnfitAddressError, WrongPasswordError, BusyError.
    """
    new = read_address(address)
    prove_password(database, user_id, password, now)
    with database.platform_scope() as session:
        token = issue_token(session, user_id, "verify_email", new, now)
        post(session, sealer, "verify_email", user_id, new, token=token)
        record_about(session, actor, "user.email_change_asked", user_id, after={"address": redact_email(new)})


def see_address(session: Session, token: str, now: datetime) -> str:
    """Return the address that a token proves; the token stays usable. Raises TokenSpentError."""
    return look_up(session, token, "verify_email", now).email


def prove_address(session: Session, token: str, now: datetime, origin: Actor, *, sealer: Sealer) -> None:
    """Give an account the address that a token proves. Links that went to the old one work no more.

    Raises TokenSpentError, and AddressTakenError when another account has it by now.
    """
    held = spend(session, token, "verify_email", now)
    user = get_user(session, held.user_id, lock=True)
    if user.disabled_at is not None:
        raise TokenSpentError
    taken = select(User.id).where(User.email == held.email, User.id != user.id)
    if session.scalar(taken) is not None:
        raise AddressTakenError
    old = user.email
    try:
        with session.begin_nested():
            user.email, user.email_verified_at = held.email, now
            session.flush()
    except IntegrityError:
        # Two that prove one address at once did not see each other above; the table lets one of them have it.
        raise AddressTakenError from None
    void_tokens(session, user.id, "invite", "reset_password")
    if old != held.email:
        post(session, sealer, "address_changed", user.id, old)
    grants = grants_of(session, user.id)
    before, after = {"address": redact_email(old)}, {"address": redact_email(held.email)}
    actor = acting_as(origin, user, grants)
    record_about(session, actor, "user.email_changed", user.id, before=before, after=after, grants=grants)
