"""Turn the second factor on and off: a secret for the app, a code that proves it, codes for a lost phone."""

from __future__ import annotations

import base64
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import pyotp
import segno
from sqlalchemy import delete, func, select

from domain.access.letters import post
from domain.access.models import RecoveryCode, User
from domain.access.password_changes import prove_password
from domain.access.people import get_user, record_about
from domain.access.second_factor import STEP_SECONDS, check_second_factor, recovery_hash, step_of, use_step
from domain.access.sessions import end_sessions_of
from domain.kernel.errors import ConflictError, InvalidInputError
from domain.kernel.reasons import fit_reason_given

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy.orm import Session

    from domain.access.ports import Sealer
    from domain.audit.record import Actor
    from domain.kernel.database import Database

RECOVERY_CODES: Final = 10
_ISSUER: Final = "Gatehouse"
_CODE_BYTES: Final = 10
_GROUP: Final = 4


class SecondFactorOnError(ConflictError):
    """The account has a second factor already. Remove it first."""


class SecondFactorNotBegunError(ConflictError):
    """There is no second factor to confirm. Begin anew."""


class SecondFactorOffError(ConflictError):
    """The account has no second factor, so it needs no recovery codes."""


class WrongCodeError(InvalidInputError):
    """The code is not right. Look whether the phone's clock is, and take the code that the app shows now."""


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What an authenticator app needs: the secret as text, and a picture (an `<img>` address) of its `otpauth` URI."""

    secret: str = field(repr=False)
    uri: str = field(repr=False)
    picture: str = field(repr=False)


def begin(session: Session, user_id: UUID, sealer: Sealer) -> Enrolment:
    """Give somebody a new secret, which counts once it is confirmed. Raises SecondFactorOnError."""
    user = get_user(session, user_id, lock=True)
    if user.totp_confirmed_at is not None:
        raise SecondFactorOnError
    secret = pyotp.random_base32()
    user.sealed_totp_secret, user.totp_last_step = sealer.seal(secret), None
    return _enrolment(secret, user)


def begun(session: Session, user_id: UUID, sealer: Sealer) -> Enrolment:
    """Return what was begun, to show it again. Raises SecondFactorOnError, SecondFactorNotBegunError."""
    return _enrolment(_secret_of(session, user_id, sealer), get_user(session, user_id))


def confirm(
    session: Session,
    user_id: UUID,
    code: str,
    now: datetime,
    actor: Actor,
    *,
    sealer: Sealer,
    this_session: bytes | None = None,
) -> Sequence[str]:
    """Turn the second factor on with a code of the app. Sessions that were opened without it end, but for this one.

    Returns the recovery codes, which are shown this once. Raises SecondFactorOnError, SecondFactorNotBegunError,
    WrongCodeError.
    """
    user = get_user(session, user_id, lock=True)
    step = step_of(_secret_of(session, user_id, sealer), code, now)
    if step is None or not use_step(session, user_id, step, now):
        raise WrongCodeError
    user.totp_confirmed_at = now
    codes = _replace_codes(session, user_id)
    ended = end_sessions_of(session, user_id, but=this_session)
    record_about(session, actor, "user.totp_enabled", user_id, after={"sessions_ended": ended})
    return codes


def remove(database: Database, user_id: UUID, password: str, now: datetime, actor: Actor, *, sealer: Sealer) -> None:
    """Turn the second factor off for somebody who knows their password. Raises WrongPasswordError, BusyError."""
    prove_password(database, user_id, password, now)
    with database.platform_scope() as session:
        remove_of(session, user_id, actor, sealer=sealer)


def remove_of(session: Session, user_id: UUID, actor: Actor, *, sealer: Sealer, reason: str | None = None) -> bool:
    """Turn somebody's second factor off, and tell them; False when it was off.

    Raises UserNotFoundError, ReasonMissingError.
    """
    reason = fit_reason_given(reason)
    user = get_user(session, user_id, lock=True)
    was_on = user.totp_confirmed_at is not None
    user.sealed_totp_secret = user.totp_confirmed_at = user.totp_last_step = None
    session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user_id))
    if was_on:
        post(session, sealer, "second_factor_removed", user_id, user.email)
        record_about(session, actor, "user.totp_removed", user_id, reason=reason)
    return was_on


def renew_codes(
    database: Database, user_id: UUID, password: str, code: str, now: datetime, actor: Actor, *, sealer: Sealer
) -> Sequence[str]:
    """Return new recovery codes for somebody who knows their password and has a code, and tell them by a letter.

    The codes before work no more. The code that it takes is one of the app, or a recovery code. Raises
    WrongPasswordError, WrongCodeError, BusyError, and SecondFactorOffError.
    """
    prove_password(database, user_id, password, now)
    with database.platform_scope() as session:
        _require_on(get_user(session, user_id))
    if not check_second_factor(database, user_id, code, now, sealer):
        raise WrongCodeError
    with database.platform_scope() as session:
        user = get_user(session, user_id, lock=True)
        _require_on(user)
        codes = _replace_codes(session, user_id)
        post(session, sealer, "recovery_codes_renewed", user_id, user.email)
        record_about(session, actor, "user.recovery_codes_renewed", user_id)
    return codes


def codes_left(session: Session, user_id: UUID) -> int:
    """Return how many recovery codes somebody has not used."""
    unused = select(func.count()).where(RecoveryCode.user_id == user_id, RecoveryCode.used_at.is_(None))
    return session.scalar(unused) or 0


def _require_on(user: User) -> None:
    if user.totp_confirmed_at is None:
        raise SecondFactorOffError


def _replace_codes(session: Session, user_id: UUID) -> Sequence[str]:
    session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user_id))
    codes = [_new_code() for _ in range(RECOVERY_CODES)]
    session.add_all(RecoveryCode(user_id=user_id, code_hash=recovery_hash(code)) for code in codes)
    session.flush()
    return codes


def _secret_of(session: Session, user_id: UUID, sealer: Sealer) -> str:
    query = select(User.sealed_totp_secret, User.totp_confirmed_at).where(User.id == user_id)
    sealed, confirmed_at = session.execute(query).one()
    if confirmed_at is not None:
        raise SecondFactorOnError
    if sealed is None:
        raise SecondFactorNotBegunError
    return sealer.unseal(sealed)


def _enrolment(secret: str, user: User) -> Enrolment:
    uri = pyotp.TOTP(secret, interval=STEP_SECONDS).provisioning_uri(name=user.email, issuer_name=_ISSUER)
    return Enrolment(secret, uri, segno.make(uri, error="m").svg_data_uri(scale=4, border=4, light="#ffffff"))


def _new_code() -> str:
    text = base64.b32encode(secrets.token_bytes(_CODE_BYTES)).decode()
    return "-".join(text[place : place + _GROUP] for place in range(0, len(text), _GROUP))
