"""What this capability needs from outside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from uuid import UUID

from domain.kernel.errors import GatehouseError


class ThreadSignal(Protocol):
    """Tells open chat windows that their conversation has something new. Losing a signal costs a moment."""

    def changed(self, conversation_id: UUID) -> None:
        """Signal a change that is committed. Raises nothing."""
        ...


class InboundUnavailableError(GatehouseError):
    """The provider's list of inbound texts can't be had."""


@dataclass(frozen=True, slots=True)
class ListedText:
    """A text to one of our numbers as the provider has it. `media`: how many files are attached."""

    sid: str
    sender: str = field(repr=False)
    body: str = field(repr=False)
    media: int
    sent_at: datetime


@dataclass(frozen=True, slots=True)
class Listing:
    """Texts, oldest first. `complete` is False when there were more than are looked through at once."""

    texts: Sequence[ListedText]
    complete: bool


class InboundList(Protocol):
    """What the provider took in for our numbers."""

    def texts_to(self, number: str, since: datetime) -> Listing:
        """Return the inbound texts to a number since then. Raises InboundUnavailableError."""
        ...

    def media_of(self, sid: str) -> str:
        """Return what is attached to a text, as JSON like a webhook's. Raises InboundUnavailableError."""
        ...
