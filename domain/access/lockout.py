"""How many guesses there are: from the fifth wrong one on, each wait is twice the one before, up to an hour.

A try is counted before it is checked, under a lock, and taken back when it was right: so guesses made at once are as
many as those made in turn, and none is free because a process died. They are counted by a hash of what was named,
whether there is such an account or not, so that a wait tells nobody which accounts exist.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from sqlalchemy import delete, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from domain.access.models import GuessCount

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy.orm import Session

FREE_FAILURES: Final = 4
"""So many wrong guesses cost nothing; the next begins the waits."""
FIRST_WAIT: Final = timedelta(seconds=30)
LONGEST_WAIT: Final = timedelta(hours=1)
FORGOTTEN_AFTER: Final = timedelta(days=1)
"""Without another failure for so long, counting begins anew."""
_SWEPT: Final = 20
"""So many forgotten rows go with every new failure: the table stays as small as a day's failures."""


@dataclass(frozen=True, slots=True)
class Guesses:
    """How many were wrong, when the last one was made, and how long there is to wait."""

    failures: int = 0
    last_at: datetime | None = None
    locked_until: datetime | None = None


def wait_after(failures: int) -> timedelta | None:
    """Return the wait after so many failures in a row, None when there is none."""
    over = failures - FREE_FAILURES
    return min(FIRST_WAIT * (1 << min(over - 1, 20)), LONGEST_WAIT) if over > 0 else None


def locked(guesses: Guesses, now: datetime) -> datetime | None:
    """Return until when no guess is taken, None when one is.

    A time further ahead than the longest wait was written by a clock that was wrong, and counts for nothing.
    """
    until = guesses.locked_until
    return until if until is not None and now < until <= now + LONGEST_WAIT else None


def counted(guesses: Guesses, now: datetime) -> Guesses:
    """Return the count with one more failure."""
    # In either direction: a clock that was wrong once may have written a time that is yet to come.
    fresh = guesses.last_at is None or abs(now - guesses.last_at) >= FORGOTTEN_AFTER
    failures = 1 if fresh else guesses.failures + 1
    wait = wait_after(failures)
    return Guesses(failures, now, None if wait is None else now + wait)


def address_key(address: str) -> bytes:
    """Return the key under which guesses of the password of an e-mail address, as it was typed, are counted."""
    return hashlib.sha256(b"address:" + address.strip().lower().encode("utf-8", "surrogatepass")).digest()


def code_key(user_id: UUID) -> bytes:
    """Return the key under which guesses of somebody's second factor are counted.

    They are apart from those of the password: a right password must not buy more guesses of the code.
    """
    return hashlib.sha256(b"second factor:" + user_id.bytes).digest()


def take_guess(session: Session, key: bytes, now: datetime) -> tuple[bool, Guesses]:
    """Count a guess that is about to be checked. Needs a platform scope, which has to commit before it is checked.

    Returns whether it may be checked, and the count; when it may not, the count stayed as it was.
    """
    # The update of nothing locks the row that is there already, and returns it, in one statement.
    row = insert(GuessCount).values(key_hash=key, failures=0, last_at=now)
    held = row.on_conflict_do_update(index_elements=["key_hash"], set_={"key_hash": row.excluded.key_hash})
    before = Guesses(
        *session.execute(held.returning(GuessCount.failures, GuessCount.last_at, GuessCount.locked_until)).one()
    )
    if locked(before, now) is not None:
        return False, before
    after = counted(before, now)
    session.execute(
        update(GuessCount)
        .where(GuessCount.key_hash == key)
        .values(failures=after.failures, last_at=now, locked_until=after.locked_until)
    )
    _sweep(session, now)
    return True, after


def forgive(session: Session, key: bytes) -> None:
    """Forget what was counted: the guess was right, or whose account it is has shown it in another way."""
    session.execute(delete(GuessCount).where(GuessCount.key_hash == key))


def lock_of(session: Session, key: bytes, now: datetime) -> datetime | None:
    """Return until when no guess is taken, None when one is."""
    row = session.get(GuessCount, key)
    return None if row is None else locked(Guesses(row.failures, row.last_at, row.locked_until), now)


def _sweep(session: Session, now: datetime) -> None:
    far = or_(GuessCount.last_at < now - FORGOTTEN_AFTER, GuessCount.last_at > now + FORGOTTEN_AFTER)
    old = select(GuessCount.key_hash).where(far).limit(_SWEPT).with_for_update(skip_locked=True)
    session.execute(delete(GuessCount).where(GuessCount.key_hash.in_(old)))
