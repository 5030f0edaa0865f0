"""The second factor: a code of an authenticator app (TOTP, RFC 6238) or a recovery code. Each is good once."""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING, Final

import pyotp
import structlog
from sqlalchemy import or_, update

from domain.access.lockout import code_key, forgive, take_guess
from domain.access.models import RecoveryCode, User
from domain.kernel.errors import GatehouseError

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy.orm import Session

    from domain.access.ports import Sealer
    from domain.kernel.database import Database

STEP_SECONDS: Final = 30
DRIFT_STEPS: Final = 1
"""A phone's clock may be this many steps off, in either direction."""
_log = structlog.get_logger(__name__)


def check_second_factor(database: Database, user_id: UUID, code: str, now: datetime, sealer: Sealer) -> bool:
    """Return whether a code is right, and use it up. Wrong ones are counted, and after some of them none is right.

    The count is committed before the code is looked at, so that nobody's rollback gives a guess back.
    """
    key = code_key(user_id)
    with database.platform_scope() as session:
        may_guess, _ = take_guess(session, key, now)
    if not may_guess:
        return False
    with database.platform_scope() as session:
        right = _use_totp(session, user_id, code, now, sealer) or _use_recovery_code(session, user_id, code, now)
        if right:
            forgive(session, key)
    return right


def step_of(secret: str, code: str, now: datetime) -> int | None:
    """Return the time step (of 30 seconds since 1970) that a code is of, None for one of no step near now."""
    totp = pyotp.TOTP(secret, interval=STEP_SECONDS)
    current = int(now.timestamp()) // STEP_SECONDS
    given = _bare(code).encode()
    found = None
    for step in range(current - DRIFT_STEPS, current + DRIFT_STEPS + 1):
        if hmac.compare_digest(totp.generate_otp(step).encode(), given):
            found = step
    return found


def recovery_hash(code: str) -> bytes:
    """Return what is kept of a recovery code: it has 80 random bits, so no slow hash is needed."""
    return hashlib.sha256(_bare(code).upper().encode()).digest()


def _use_totp(session: Session, user_id: UUID, code: str, now: datetime, sealer: Sealer) -> bool:
    user = session.get(User, user_id)
    if user is None or user.totp_confirmed_at is None or user.sealed_totp_secret is None:
        return False
    try:
        secret = sealer.unseal(user.sealed_totp_secret)
    except GatehouseError:
        _log.exception("totp_secret_unreadable", user_id=str(user_id))
        return False
    step = step_of(secret, code, now)
    return step is not None and use_step(session, user_id, step, now)


def use_step(session: Session, user_id: UUID, step: int, now: datetime) -> bool:
    """Mark the code of a step as used, and with it those before. False when it was used already: of two, one wins.

    A step further ahead than any code that is taken was written while the clock was wrong, and counts for nothing.
    """
    ahead = int(now.timestamp()) // STEP_SECONDS + DRIFT_STEPS
    unused = or_(User.totp_last_step.is_(None), User.totp_last_step < step, User.totp_last_step > ahead)
    statement = update(User).where(User.id == user_id, unused).values(totp_last_step=step).returning(User.id)
    return session.execute(statement).one_or_none() is not None


def _use_recovery_code(session: Session, user_id: UUID, code: str, now: datetime) -> bool:
    statement = (
        update(RecoveryCode)
        .where(
            RecoveryCode.user_id == user_id,
            RecoveryCode.code_hash == recovery_hash(code),
            RecoveryCode.used_at.is_(None),
        )
        .values(used_at=now)
        .returning(RecoveryCode.user_id)
    )
    return session.execute(statement).one_or_none() is not None


def _bare(code: str) -> str:
    """Return a code as it is compared: apps and people put spaces and dashes into it."""
    return "".join(character for character in code if character.isascii() and character.isalnum())
