"""What would become of dead letters that are requeued now, and how to say it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final
from uuid import UUID


class Fate(StrEnum):
    """What would become of one letter."""

    RUNS = "runs"
    """It would run; for a kind that nothing more is known of, it would be tried."""
    LOOKED_UP = "looked_up"
    """Nobody knows whether it was sent: it is looked for at the provider first, and not sent again if found."""
    WAITS = "waits"
    """It would wait until the client's quiet hours are over."""
    OPTED_OUT = "opted_out"
    CLIENT_BLOCKED = "client_blocked"
    """The gate would stop it whoever the contact is: the client is paused, suspended, not paid for, not live."""
    TAKEN_OVER = "taken_over"
    """A person is answering this conversation."""
    EXPIRED = "expired"
    DELIVERED = "delivered"
    """The provider, or the receiver of a webhook, has it already."""
    ANSWERED = "answered"
    """Nothing of this contact is left to be answered."""
    CANCELLED = "cancelled"
    """What it is about was cancelled."""
    ENDED = "ended"
    """What it is about has ended for good in another way: it would find nothing to do."""
    GONE = "gone"
    """What it is about is not there any more."""
    LIVE_TWIN = "live_twin"
    """A live job has its unique key: it would stay dead."""
    SUPERSEDED = "superseded"
    """A newer letter of the same selection has its unique key: it would stay dead."""
    UNKNOWN_KIND = "unknown_kind"
    UNREADABLE = "unreadable"
    """This release can't read its arguments: it would die again at once."""


_WORDS: Final[Mapping[Fate, tuple[str, str]]] = {
    Fate.RUNS: ("would run", "would run"),
    Fate.LOOKED_UP: ("would be looked for at the provider first", "would be looked for at the provider first"),
    Fate.WAITS: ("would wait for the end of quiet hours", "would wait for the end of quiet hours"),
    Fate.OPTED_OUT: ("is for a contact that has since opted out", "are for contacts that have since opted out"),
    Fate.TAKEN_OVER: ("is answered by a person", "are answered by a person"),
    Fate.EXPIRED: ("would come too late and be cancelled", "would come too late and be cancelled"),
    Fate.DELIVERED: ("was delivered meanwhile", "were delivered meanwhile"),
    Fate.ANSWERED: ("was answered meanwhile", "were answered meanwhile"),
    Fate.CANCELLED: ("was cancelled meanwhile", "were cancelled meanwhile"),
    Fate.ENDED: ("would find nothing left to do", "would find nothing left to do"),
    Fate.GONE: ("is about something that is gone", "are about something that is gone"),
    Fate.LIVE_TWIN: ("has a live twin", "have a live twin"),
    Fate.SUPERSEDED: ("gives way to a newer one of the same key", "give way to newer ones of the same key"),
    Fate.UNKNOWN_KIND: ("is of a kind that this release does not know", "are of kinds that this release does not know"),
    Fate.UNREADABLE: ("has arguments that this release can't read", "have arguments that this release can't read"),
}


@dataclass(slots=True)
class Forecast:
    """How many letters have which fate. Grows with the clients concerned, not with the letters.

    `blocks` are the gate's reasons for CLIENT_BLOCKED; `paused_queues`, where what would run waits until it is resumed.
    """

    fates: Counter[Fate] = field(default_factory=Counter)
    blocks: Counter[str] = field(default_factory=Counter)
    blocked_clients: set[UUID] = field(default_factory=set)
    paused_queues: Sequence[str] = ()

    @property
    def total(self) -> int:
        """How many letters were looked at."""
        return self.fates.total()

    def words(self) -> str:
        """Return the forecast in one line, what would run first."""
        if not self.total:
            return "No dead letter fits that."
        parts = [f"{self.fates[Fate.RUNS]:,} would run"]
        for fate in Fate:
            count = self.fates[fate]
            if count and fate is Fate.CLIENT_BLOCKED:
                parts.append(self._blocked(count))
            elif count and fate is not Fate.RUNS:
                parts.append(f"{count:,} {_WORDS[fate][count != 1]}")
        parts += [f"the queue {queue} is paused" for queue in self.paused_queues]
        return "; ".join(parts) + "."

    def _blocked(self, count: int) -> str:
        clients = len(self.blocked_clients)
        whose = "a client that" if clients == 1 else f"{clients:,} clients that"
        why = ", ".join(reason.rstrip(".") for reason, _ in self.blocks.most_common(3))
        return f"{count:,} {'is' if count == 1 else 'are'} of {whose} the gate stops ({why})"
