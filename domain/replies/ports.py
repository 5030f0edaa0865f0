"""What replying needs of whoever puts a reply into words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol
from uuid import UUID

EntryKind = Literal["service", "hours", "faq"]
ReplyKind = Literal["answer", "clarify", "call_back", "courtesy"]
"""`answer` rests on sources; `clarify` asks one question back; `call_back` offers or confirms that a person calls;
`courtesy` returns a greeting or thanks."""


@dataclass(frozen=True, slots=True)
class Passage:
    """One knowledge entry that speaks to the question.

    `score` (0 to 1) is how much of the question, or of the part of it that the entry answers, it speaks to. `answers`
    are the parts of the question, counted from 0, to which no other entry speaks more; empty when others do.
    """

    entry_id: UUID
    kind: EntryKind
    title: str
    body: str
    price: str | None
    score: float
    answers: tuple[int, ...] = (0,)


@dataclass(frozen=True, slots=True)
class Turn:
    """One text of the conversation, from the customer (`contact`) or from the business, whoever wrote it (`us`)."""

    author: Literal["contact", "us"]
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ReplyRequest:
    """All that a reply may be made of.

    `passages` are sorted, best first; `history` is what was said before the question, oldest first. Below `threshold`
    (0 to 1) nothing is stated as an answer. `booking_url` is None unless the gate allows sending it.
    """

    client_name: str
    question: str = field(repr=False)
    passages: Sequence[Passage]
    history: Sequence[Turn]
    threshold: float
    call_back_text: str | None
    booking_url: str | None


@dataclass(frozen=True, slots=True)
class ComposedReply:
    """A reply of 1 to 1,600 characters, how sure it is (0 to 1), and the entries that it rests on."""

    text: str = field(repr=False)
    confidence: float
    sources: Sequence[UUID]
    kind: ReplyKind


class Composer(Protocol):
    """Puts replies into words. Thread-safe."""

    @property
    def name(self) -> str:
        """The name under which replies are recorded."""
        ...

    def compose(self, request: ReplyRequest) -> ComposedReply:
        """Return the reply to a request. Claims nothing that its passages don't say."""
        ...
