"""How many letters others may have written to somebody, all of them together.

Each organization is counted by itself when it asks (`api.edge.quotas`), and is told how it stands; a count of all would
tell each what the others do. So this one is told nobody: a worker asks it, and the letter that is too many is not sent.
Letters that people ask for themselves are not counted, so that nobody uses up what another one needs to get in.
"""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import structlog
from sqlalchemy import case, or_
from sqlalchemy.dialects.postgresql import insert

from domain.access.models import GuessCount

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy.orm import Session

MOST_LETTERS: Final = 20
"""So many an hour, from the first of them on."""
TOO_MANY: Final = "Others had too many letters written to this account within the hour."
_HOUR: Final = timedelta(hours=1)
_log = structlog.get_logger(__name__)


def may_be_written_to(session: Session, user_id: UUID, now: datetime) -> bool:
    """Count a letter to somebody that others asked for; return whether it may be written. Needs a platform scope.

    It has to be asked before the letter's link is made: that would void the one before, which the person has.
    """
    row = insert(GuessCount).values(key_hash=_key(user_id), failures=1, last_at=now)
    # In either direction: a clock that was wrong once may have written a time that is yet to come.
    anew = or_(GuessCount.last_at <= now - _HOUR, GuessCount.last_at > now + _HOUR)
    counted = row.on_conflict_do_update(
        index_elements=["key_hash"],
        set_={
            "failures": case((anew, 1), else_=GuessCount.failures + 1),
            "last_at": case((anew, now), else_=GuessCount.last_at),
        },
    )
    if session.execute(counted.returning(GuessCount.failures)).scalar_one() <= MOST_LETTERS:
        return True
    _log.warning("accounts.too_many_letters", user_id=str(user_id))
    return False


def _key(user_id: UUID) -> bytes:
    return hashlib.sha256(b"letters to:" + user_id.bytes).digest()
