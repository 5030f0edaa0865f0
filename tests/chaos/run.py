"""One chaos run: strike round by round while texts come in, let it settle, take account."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Final

import psycopg

from tests.chaos.account import Account, Reasons, Span, settle
from tests.chaos.customers import UNHURRIED, Customer, customer
from tests.chaos.faults import Faults, Struck
from tests.chaos.inside import open_jobs, reasons_of
from tests.chaos.schedule import Fault, Round
from tests.chaos.sender import Posted, Sender
from tests.chaos.stage import Stage
from tests.chaos.tenants import BRAKED, brake, tenant_of

CALM_SECONDS: Final = 3.0
RECOVERY_PATIENCE: Final = 30.0
"""How long the next round waits for the flow to recover. Those whom the provider treats ill are not waited for."""
SETTLE_SECONDS: Final = 420.0
_OLD: Final = 3.0
_FASTEST: Final = 60.0
_BRAKE_PULLED, _BRAKE_RELEASED = 0.5, 0.75
_DATABASE_AWAY: Final = 60.0


@dataclass(frozen=True)
class Order:
    """What to run. `minutes`: at least so long do the rounds take, when there is that much calm to fill.

    `scripted`: customers opt out, and a tenant's brake is pulled; a program that knows neither is not asked to.
    """

    seed: int
    messages: int
    rounds: Sequence[Round]
    minutes: float
    scripted: bool = True
    settle_seconds: float = SETTLE_SECONDS

    @cached_property
    def customers(self) -> list[Customer]:
        """Everybody who writes, in order."""
        return [customer(self.seed, index, scripted=self.scripted) for index in range(self.messages)]


@dataclass(frozen=True, slots=True)
class Outcome:
    """A finished run."""

    account: Account
    spans: Sequence[Span]
    reasons: Reasons
    seconds: float
    turned_away: int
    notes: Sequence[str] = ()

    @property
    def struck(self) -> list[Struck]:
        """All faults as they happened."""
        return [each for span in self.spans for each in span.struck]


class Run:
    """The run itself, on a stage. `say` is told of each round."""

    def __init__(self, order: Order, stage: Stage, say: Callable[[str], None]) -> None:
        self._order = order
        self._stage = stage
        self._say = say
        self._faults = Faults(stage.site)
        self._began = time.time()
        self._rounds_done = 0
        self._braked: tuple[float, float] | None = None
        self._who = {who.number: who for who in order.customers}
        self._sender = Sender(stage.public, stage.provider, order.customers, self._pace)

    def run(self) -> Outcome:
        """Strike, settle, take account."""
        self._sender.start()
        spans = [self._round(each) for each in self._order.rounds]
        self._let_go()
        self._say(f"all faults struck; {len(self._sender.posted):,} texts posted so far")
        self._sender.done.wait(60 + self._order.messages / 10)
        self._sender.stop()
        looked_at = time.time()
        self._stage.site.program.look_for_missing()
        self._settle()
        reasons = reasons_of(self._stage.urls.superuser)
        record = [json.dumps(asdict(one)) for one in self._sender.posted]
        (self._stage.directory / "posted.log").write_text("\n".join(record))
        ledger = self._stage.ledger
        ledger.read()
        account = settle(self._who, self._sender.posted, ledger.taken, spans, reasons, self._braked, looked_at)
        return Outcome(account, spans, reasons, time.time() - self._began, ledger.turned_away, self._stage.notes)

    def _round(self, each: Round) -> Span:
        share = (each.number - 1) / len(self._order.rounds)
        while time.time() < self._began + share * self._order.minutes * 60:
            threading.Event().wait(0.1)
        if self._order.scripted and share >= _BRAKE_PULLED and self._braked is None:
            self._brake(pulled=True)
            self._braked = (time.time(), float("inf"))
        if share >= _BRAKE_RELEASED:
            self._let_go()
        began = time.time()
        with ThreadPoolExecutor(len(each.faults)) as pool:
            struck = list(pool.map(lambda fault: self._strike(began, fault), each.faults))
        ended = max(one.ended for one in struck)
        threading.Event().wait(CALM_SECONDS)
        recovered = self._stage.ledger.wait_for(lambda: not self._held_up(ended), RECOVERY_PATIENCE)
        self._rounds_done += 1
        names = "; ".join(f"{one.fault.kind}{f' ({one.note})' if one.note else ''}" for one in struck)
        state = "recovered" if recovered else f"{len(self._held_up(ended))} held up"
        self._say(f"round {each.number}/{len(self._order.rounds)}: {names}: {ended - began:.0f} s, {state}")
        return Span(each.number, began, ended, struck)

    def _strike(self, began: float, fault: Fault) -> Struck:
        threading.Event().wait(max(0.0, began + fault.at - time.time()))
        return self._faults.strike(fault)

    def _let_go(self) -> None:
        if self._braked is not None and self._braked[1] == float("inf"):
            # Before the switch is thrown: from then on texts may leave again.
            self._braked = (self._braked[0], time.time())
            self._brake(pulled=False)

    def _brake(self, *, pulled: bool) -> None:
        deadline = time.time() + _DATABASE_AWAY
        while True:
            try:
                brake(self._stage.urls.superuser, pulled=pulled)
            except psycopg.Error:
                if time.time() > deadline:
                    raise
                threading.Event().wait(0.2)
            else:
                self._say(f"a tenant's brake is {'pulled' if pulled else 'let go'}")
                return

    def _held_up(self, before: float | None = None) -> list[Posted]:
        """Return accepted texts that wait for an answer; with `before`, by nobody's doing but the program's."""
        now = time.time()
        return [
            one
            for one in list(self._sender.posted)
            if one.text.answered
            and one.accepted_at is not None
            and one.accepted_at < now - _OLD
            and not self._stage.ledger.taken.get(one.text.number)
            and not self._may_be_braked(one)
            and (before is None or (one.accepted_at < before and self._who[one.text.number].temper not in UNHURRIED))
        ]

    def _may_be_braked(self, one: Posted) -> bool:
        """Whether a text may have met its tenant's brake."""
        return (
            self._braked is not None
            and one.accepted_at is not None
            and tenant_of(self._who[one.text.number]) == BRAKED
            and one.accepted_at < self._braked[1]
        )

    def _pace(self, left: int) -> float:
        """Spread what is left over the rounds that are left, as fast as they have gone so far."""
        elapsed, done, total = time.time() - self._began, self._rounds_done, len(self._order.rounds)
        planned = max(self._order.minutes * 60, sum(each.lasts + 10 for each in self._order.rounds))
        expected = elapsed / done * total if done > total / 10 else planned
        return min(max(left / max(expected - elapsed, 10.0), 1.0), _FASTEST)

    def _settle(self) -> None:
        self._say("no more texts; waiting for what is under way")
        began = time.time()
        threading.Event().wait(_OLD)
        self._stage.ledger.wait_for(lambda: not self._held_up(), self._order.settle_seconds)
        while time.time() - began < self._order.settle_seconds and open_jobs(self._stage.urls.superuser):
            threading.Event().wait(0.5)
        self._say(f"settled after {time.time() - began:.0f} s")
