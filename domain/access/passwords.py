"""Passwords at rest: Argon2id, hashed anew when the parameters change, a few at a time.

A hash takes 64 MiB for as long as it is made, so a process makes two at once and lets some more wait; whoever comes
then is told to come back. Never call this with a transaction open: it takes a tenth of a second, and maybe its turn.
"""

from __future__ import annotations

import unicodedata
from contextlib import contextmanager
from functools import cache
from threading import BoundedSemaphore
from typing import TYPE_CHECKING, Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from domain.kernel.errors import BusyError

if TYPE_CHECKING:
    from collections.abc import Iterator

# RFC 9106, section 4, second recommended option, but on one lane: a server's other threads have work of their own.
_HASHER: Final = PasswordHasher(time_cost=3, memory_cost=64 * 1024, parallelism=1, hash_len=32, salt_len=16)
AT_ONCE: Final = 2
"""Hashes that a process makes at once: their memory is 128 MiB."""
MAY_WAIT: Final = 16
_entered: Final = BoundedSemaphore(AT_ONCE + MAY_WAIT)
_working: Final = BoundedSemaphore(AT_ONCE)


def hash_password(password: str) -> str:
    """Return what is kept of a password. Raises BusyError."""
    with _turn():
        return _HASHER.hash(_plain(password))


def is_right(kept: str | None, password: str) -> bool:
    """Return whether a password is the one of which `kept` was kept. Raises BusyError.

    Without `kept` it never is, which takes as long to find out.
    """
    with _turn():
        try:
            _HASHER.verify(kept or _of_nobody(), _plain(password))
        except (VerificationError, InvalidHashError):
            return False
    return kept is not None


def is_outdated(kept: str) -> bool:
    """Return whether a hash was made with other parameters than today's."""
    return _HASHER.check_needs_rehash(kept)


def _plain(password: str) -> bytes:
    # The same letters reach us composed or not, as the keyboard has it.
    return unicodedata.normalize("NFKC", password).encode("utf-8", "surrogatepass")


@cache
def _of_nobody() -> str:
    return _HASHER.hash(b"nobody's")


@contextmanager
def _turn() -> Iterator[None]:
    if not _entered.acquire(blocking=False):
        raise BusyError("Too many passwords are being checked. Try again in a moment.")
    try:
        with _working:
            yield
    finally:
        _entered.release()
