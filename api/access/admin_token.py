"""The admin token: the way in that needs no account, for the first day and for when everything else is locked."""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING, Final

from domain.access.principal import Grant, Principal
from domain.kernel.ids import PLATFORM_ORG_ID

if TYPE_CHECKING:
    from config.settings import Settings

HOLDER: Final = Principal(kind="admin_token", name="admin token", grants=(Grant("super_admin", PLATFORM_ORG_ID),))
"""Whoever shows the token."""


def accepts(settings: Settings, token: str) -> bool:
    """Return whether this is the token, in a time that depends neither on what is right of it nor on its length.

    Never when none is set.
    """
    expected = settings.admin_token.get_secret_value() if settings.admin_token else ""
    return hmac.compare_digest(_digest(token), _digest(expected)) and bool(expected)


def mark_of(settings: Settings) -> str | None:
    """Return what tells this token from another and gives nothing of it away; None when there is no token.

    A session that the token opened carries the mark, and so ends with the token. It is keyed, because a token that
    somebody made up could be guessed from a plain hash.
    """
    if settings.admin_token is None:
        return None
    message = b"gatehouse admin token mark v1\0" + settings.admin_token.get_secret_value().encode()
    return hmac.new(settings.secret_key.get_secret_value().encode(), message, hashlib.sha256).hexdigest()


def is_mark(settings: Settings, mark: str | None) -> bool:
    """Return whether a mark is that of the token which is set now."""
    current = mark_of(settings)
    return current is not None and mark is not None and hmac.compare_digest(mark.encode(), current.encode())


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
