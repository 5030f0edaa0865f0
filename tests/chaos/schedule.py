"""Which faults strike when: drawn up front from the seed, so a run can be repeated and told before it begins.

Faults come in rounds. Each kind first strikes alone; then several strike mixed, overlapping. A round begins when the
one before is over and the flow has recovered from it (or had its time to), so that each round's recovery is measured.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of fault. It lasts between `shortest` and `longest` seconds; `weight`: how often it is drawn for a mix."""

    name: str
    about: str
    shortest: float = 0.0
    longest: float = 0.0
    weight: float = 1.0


KINDS: Final = (
    Kind("api killed", "kill -9 of the api", weight=2),
    Kind("worker killed", "kill -9 of a worker's parent process", weight=2),
    Kind("worker child killed", "kill -9 of the process that runs the jobs", weight=3),
    Kind("all workers killed", "kill -9 of all workers, parents and children, at once"),
    Kind("scheduler killed", "kill -9 of a scheduler", weight=2),
    Kind("both schedulers killed", "kill -9 of both schedulers"),
    Kind("worker paused", "SIGSTOP of a worker's process; it wakes after its jobs were taken back", 12, 16, 0.6),
    Kind("worker paused 30 s", "the same for 30 s", 30, 30, 0.15),
    Kind("scheduler paused", "SIGSTOP of a scheduler, whatever it holds", 4, 10),
    Kind("api paused", "SIGSTOP of the api", 2, 6),
    Kind("redis flushed", "FLUSHALL", weight=2),
    Kind("redis restarted", "SIGTERM and a new start", 0.5, 3),
    Kind("redis killed", "kill -9 and a new start", 0.5, 3),
    Kind("redis frozen", "SIGSTOP of the server: it accepts connections and answers nothing", 2, 6),
    Kind("redis unreachable", "connections are cut, new ones refused", 2, 8),
    Kind("redis silent", "the network swallows everything", 2, 6),
    Kind("redis cut", "all connections are reset at once"),
    Kind("postgres restarted", "a fast shutdown and a new start", 0.2, 2),
    Kind("postgres killed", "kill -9 of the whole server, which recovers from its log at the new start", 0.2, 2),
    Kind("postgres backend killed", "kill -9 of one of its processes, whereupon it restarts all of them"),
    Kind("postgres unreachable", "connections are cut, new ones refused", 2, 8),
    Kind("postgres silent", "the network swallows everything", 2, 6),
    Kind("postgres cut", "all connections are reset at once"),
    Kind("disk full", "no PostgreSQL, no Redis, and no space for the api's spool", 3, 6, 0.7),
    Kind("clock stepped forward", "the wall clock of all roles jumps ahead by 10 to 60 s, and back", 4, 8),
    Kind("clock stepped back", "the wall clock of all roles jumps back by 10 to 60 s, and ahead again", 4, 8),
    Kind("provider dead", "the provider refuses connections", 3, 12),
    Kind("provider dead for minutes", "the same for two minutes", 120, 120, 0.0),
    Kind("provider silent", "the network to the provider swallows everything", 3, 8, 0.7),
    Kind("provider cut", "all connections to the provider are reset at once", weight=2),
    Kind("deploy, rolling", "SIGTERM of every role, one after the other, each started again", weight=0.6),
    Kind("deploy, overlapping", "new roles start beside the old ones, which then get SIGTERM", weight=0.6),
)
BY_NAME: Final = {kind.name: kind for kind in KINDS}
_MIX: Final = (4, 9)
_SPREAD_SECONDS: Final = 12.0


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: its number in the run, when it strikes (seconds after its round began), and how long it lasts.

    `draw` in [0, 1) picks the victim among several, and the size of a step of the clock.
    """

    number: int
    round: int
    kind: str
    at: float
    lasts: float
    draw: float


@dataclass(frozen=True, slots=True)
class Round:
    """Faults that strike together."""

    number: int
    faults: Sequence[Fault]

    @property
    def lasts(self) -> float:
        """Seconds from its begin to the planned end of its last fault."""
        return max(fault.at + fault.lasts for fault in self.faults)


def schedule(seed: int, faults: int, kinds: Sequence[Kind] = KINDS, *, alone: bool = True) -> list[Round]:
    """Return the rounds of a run. With fewer faults than kinds, as many kinds strike, once each.

    Without `alone`, each kind strikes once in a mix before any strikes again.
    """
    rng = random.Random(f"schedule:{seed}")  # repeatable on purpose
    once = list(kinds)
    rng.shuffle(once)
    once = once[:faults]
    groups = [[kind] for kind in once] if alone else []
    first = [] if alone else once
    left = faults - len(groups)
    while left > 0:
        size = min(left, rng.randint(*_MIX))
        drawn_first, first = first[:size], first[size:]
        drawn_more = rng.choices(kinds, [kind.weight or 1e-6 for kind in kinds], k=size - len(drawn_first))
        groups.append([*drawn_first, *drawn_more])
        left -= size
    rounds: list[Round] = []
    number = 0
    for group in groups:
        drawn = []
        for kind in group:
            number += 1
            at = 0.0 if len(group) == 1 else rng.uniform(0, _SPREAD_SECONDS)
            lasts = rng.uniform(kind.shortest, kind.longest)
            drawn.append(Fault(number, len(rounds) + 1, kind.name, round(at, 2), round(lasts, 2), rng.random()))
        rounds.append(Round(len(rounds) + 1, sorted(drawn, key=lambda fault: fault.at)))
    return rounds
