"""What lets somebody in, and whether it still does when the door opens.

Between a right password and the session that it opens there is time: a moment, or the minutes that somebody looks for
their phone. A new password or a disabled account ends all sessions that there are then; one that opens after must not
be older in what it rests on.
"""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING, Final

from sqlalchemy import select

from domain.access.models import User
from domain.kernel.errors import GatehouseError

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy.orm import Session

DISABLED: Final = "This account is disabled. Ask an administrator."
CHANGED: Final = "This account's password or second factor was changed just now. Sign in again."


class TurnedAwayError(GatehouseError):
    """They are not let in any more; the text says why."""


def standing_of(user: User) -> str:
    """Return a mark of the password and second factor that somebody has; with either of them it changes."""
    return _mark(user.password_changed_at, user.totp_confirmed_at)


def require_standing(session: Session, user_id: UUID, standing: str) -> None:
    """Hold an account as it is until the transaction ends. Needs a platform scope.

    Raises TurnedAwayError when it is disabled, or its mark is another one by now.
    """
    # Who changes a password, a second factor or whether an account is disabled locks the row first, so they come
    # either before this, and are seen, or after it, and end what is opened under it.
    seen = select(User.disabled_at, User.password_changed_at, User.totp_confirmed_at).where(User.id == user_id)
    row = session.execute(seen.with_for_update(read=True)).one_or_none()
    if row is None or row.disabled_at is not None:
        raise TurnedAwayError(DISABLED)
    if _mark(row.password_changed_at, row.totp_confirmed_at) != standing:
        raise TurnedAwayError(CHANGED)


def _mark(*times: datetime | None) -> str:
    return " ".join("never" if one is None else one.astimezone(UTC).isoformat() for one in times)
