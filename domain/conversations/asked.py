"""What somebody typed who looks for a message: a telephone number, an id of anything, or words of its text."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from uuid import UUID

from sqlalchemy import select

from domain.clients.errors import InvalidNumberError
from domain.clients.models import Client
from domain.clients.numbers import main_region_of, parse_number

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

_LIKE_NUMBER: Final = re.compile(r"[+(]?[0-9][0-9 ()./-]{5,}")
_DIGITS: Final = 7
"""A telephone number has as many at least."""
_LIKE_ID: Final = re.compile(r"\S{8,100}")
_SID: Final = re.compile(r"[A-Z]{2}[0-9a-f]{32}", re.IGNORECASE)
"""Twilio's ids."""
_CLIENTS: Final = 50
"""Clients by whose numbers a number without its country is read."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What was typed, and what it can mean. Words without a space may be an id as well as text: the id comes first."""

    typed: str = field(repr=False)
    id: str | None = None
    number: str | None = field(default=None, repr=False)
    text: str | None = field(default=None, repr=False)


def read_asked(session: Session, typed: str) -> Asked:
    """Return what was typed, and what it can mean.

    A number without its country is read as one of the countries that our clients' own numbers are of.
    """
    typed = typed.strip()
    if not typed:
        return Asked(typed)
    number = _number(session, typed)
    if number is not None:
        return Asked(typed, number=number)
    if _SID.fullmatch(typed) or _is_id(typed):
        return Asked(typed, id=typed)
    return Asked(typed, id=typed if _LIKE_ID.fullmatch(typed) else None, text=typed)


def _is_id(typed: str) -> bool:
    try:
        UUID(typed)
    except ValueError:
        return False
    return True


def _number(session: Session, typed: str) -> str | None:
    if not _LIKE_NUMBER.fullmatch(typed) or sum(one.isdigit() for one in typed) < _DIGITS:
        return None
    regions: list[str | None] = [None]
    if not typed.startswith("+"):
        own = select(Client.sms_number).where(Client.sms_number.is_not(None)).order_by(Client.id).limit(_CLIENTS)
        regions = list(dict.fromkeys(map(main_region_of, session.scalars(own))))
    for region in regions:
        try:
            return parse_number(typed, region=region)
        except InvalidNumberError:
            continue
    return None
