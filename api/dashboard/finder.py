"""What the search over everything asks: finders, each of which knows one kind of thing."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol, Self
from uuid import UUID

from domain.clients.errors import InvalidNumberError
from domain.clients.numbers import parse_number

if TYPE_CHECKING:
    from api.access.requires import Access
    from domain.kernel.database import Database

FEW: Final = 8
"""A finder gives so many hits at most."""
_LONGEST: Final = 200
_SID: Final = re.compile(r"[A-Z]{2}[0-9a-fA-F]{32}")
_EMAIL: Final = re.compile(r"[^@\s]+@[^@\s]+")


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody typed, and what it can be: each of these is None when it is not that.

    `uuid`: an id of ours; `phone`: a number in E.164; `email`: in lower case; `sid`: one of Twilio's ids.
    """

    words: str
    uuid: UUID | None = None
    phone: str | None = None
    email: str | None = None
    sid: str | None = None

    @classmethod
    def read(cls, typed: str) -> Self:
        """Return what was typed, without the space around it and control characters in it."""
        words = "".join(one for one in typed if one.isprintable()).strip()[:_LONGEST]
        return cls(
            words,
            uuid=_uuid(words),
            phone=_phone(words),
            email=words.lower() if _EMAIL.fullmatch(words) else None,
            sid=words if _SID.fullmatch(words) else None,
        )

    @property
    def exact(self) -> bool:
        """Whether it names one thing, not a name that several may have."""
        return self.uuid is not None or self.sid is not None


@dataclass(frozen=True, slots=True)
class Hit:
    """Something that was found. `href` is the path of its page; it is a link when there is such a page."""

    text: str
    href: str
    detail: str = ""


class Finder(Protocol):
    """Finds one kind of thing, for who has its permission."""

    @property
    def title(self) -> str:
        """What it finds, as a heading: "Jobs"."""

    @property
    def takes(self) -> str:
        """What it can be asked by, in words: "the id of a job"."""

    @property
    def permission(self) -> str:
        """Who may ask it."""

    def find(self, access: Access, asked: Asked, database: Database) -> Sequence[Hit]:
        """Return `FEW` at most, within the reach of `access`, which is that of its permission.

        It asks by an index, or a table that is small whatever happens. `database` is for what belongs to no tenant, as
        people do, of which the finder itself shows only what is within reach.
        """


def _uuid(words: str) -> UUID | None:
    try:
        return UUID(words)
    except ValueError:
        return None


def _phone(words: str) -> str | None:
    if not words.startswith("+"):
        return None
    try:
        return parse_number(words)
    except InvalidNumberError:
        return None
