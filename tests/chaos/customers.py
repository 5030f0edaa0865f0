"""Who writes what, and how the provider treats them: all of it computed from the seed and the customer's index.

The sender, the Twilio double (a process of its own) and the accounting each compute it for themselves, so nothing has
to be handed over and a run can be repeated.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Final, TypeVar

_T = TypeVar("_T")
QUESTION: Final = "What are your opening hours?"
_FIRST: Final = 2_000_000
_PREFIX: Final = "+1415"


class Script(StrEnum):
    """What a customer does."""

    ASK = "ask"
    STOP_ASK = "stop, ask"
    """Opts out, then asks: must never be texted."""
    STOP_START_ASK = "stop, start, ask"
    """Opts out and in again, then asks: is answered."""
    ASK_STOP = "ask, stop"
    """Asks and opts out at once: nothing may leave once the opt-out was accepted."""


class Temper(StrEnum):
    """How the provider answers the first requests to send to a customer."""

    PLAIN = "takes it"
    DROP = "takes it and drops the connection"
    FAIL = "takes it and answers 500"
    GARBLE = "takes it and answers nonsense"
    SLOW = "takes it and answers after 30 s"
    LOSE = "drops the connection and does not take it"
    BUSY = "answers 429"
    BUSY_LATER = "answers 429 with Retry-After"
    OPTED_OUT_LATER = "takes it and reports 21610 later"


class Callbacks(StrEnum):
    """How the provider reports what became of a text."""

    ORDERLY = "in order"
    REPEATED = "each twice"
    REORDERED = "the last first"


_SCRIPTS: Final = ((Script.STOP_ASK, 0.01), (Script.STOP_START_ASK, 0.01), (Script.ASK_STOP, 0.005))
_TEMPERS: Final = (
    (Temper.DROP, 0.02),
    (Temper.FAIL, 0.02),
    (Temper.GARBLE, 0.005),
    (Temper.SLOW, 0.002),
    (Temper.LOSE, 0.01),
    (Temper.BUSY, 0.02),
    (Temper.BUSY_LATER, 0.02),
    (Temper.OPTED_OUT_LATER, 0.005),
)
_CALLBACKS: Final = ((Callbacks.REPEATED, 0.2), (Callbacks.REORDERED, 0.1))
_REPEATED_SHARE: Final = 0.02
_WITHHELD_SHARE: Final = 0.003
UNHURRIED: Final = frozenset(Temper) - {Temper.PLAIN, Temper.OPTED_OUT_LATER}
"""Customers whose answer takes long by the provider's doing: an unknown outcome is looked into only after a while."""


@dataclass(frozen=True, slots=True)
class Text:
    """One inbound text. `answered`: it has to be answered; otherwise nothing may be sent because of it."""

    number: str
    step: int
    body: str
    answered: bool


@dataclass(frozen=True, slots=True)
class Customer:
    """One customer with a number of their own.

    `posted_twice`: the webhooks are repeated though they were accepted. `withheld`: they never come, but the provider
    lists the texts.
    """

    index: int
    number: str
    script: Script
    temper: Temper
    callbacks: Callbacks
    posted_twice: bool
    withheld: bool

    @property
    def texts(self) -> list[Text]:
        """What the customer sends, each after the one before was accepted."""
        words = {
            Script.ASK: [(QUESTION, True)],
            Script.STOP_ASK: [("STOP", False), (QUESTION, False)],
            Script.STOP_START_ASK: [("STOP", False), ("START", False), (QUESTION, True)],
            Script.ASK_STOP: [(QUESTION, False), ("STOP", False)],
        }[self.script]
        return [Text(self.number, step, body, answered) for step, (body, answered) in enumerate(words)]


@lru_cache(maxsize=100_000)
def customer(seed: int, index: int, *, scripted: bool = True) -> Customer:
    """Return one customer of a run. Without `scripted`, everybody only asks."""
    rng = random.Random(f"{seed}:{index}")  # repeatable on purpose
    script = _draw(rng, _SCRIPTS, Script.ASK)
    return Customer(
        index=index,
        number=f"{_PREFIX}{_FIRST + index}",
        script=script if scripted else Script.ASK,
        temper=_draw(rng, _TEMPERS, Temper.PLAIN),
        callbacks=_draw(rng, _CALLBACKS, Callbacks.ORDERLY),
        posted_twice=rng.random() < _REPEATED_SHARE,
        withheld=rng.random() < _WITHHELD_SHARE and scripted and script is Script.ASK,
    )


def index_of(number: str) -> int | None:
    """Return the index of the customer with this number, None when it is somebody else's."""
    tail = number.removeprefix(_PREFIX)
    return int(tail) - _FIRST if tail != number and tail.isdigit() and int(tail) >= _FIRST else None


def _draw(rng: random.Random, shares: Sequence[tuple[_T, float]], otherwise: _T) -> _T:
    drawn = rng.random()
    for value, share in shares:
        if drawn < share:
            return value
        drawn -= share
    return otherwise
