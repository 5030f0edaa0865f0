"""The short form of the chaos run: a few hundred customers, mixed faults of most kinds, one seed.

`make chaos` is the long one. What is asserted here is the promise; how long things took is that command's to tell.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import pytest

from tests.chaos.run import Order, Outcome, Run
from tests.chaos.schedule import KINDS, schedule
from tests.chaos.stage import raised, scratch
from tests.chaos.tenants import BRAKED, tenant_of

SEED: Final = 1082
"""Draws sixteen kinds for two rounds, each role and server among their victims."""
MESSAGES: Final = 400
FAULTS: Final = 16
LONG: Final = ("worker paused 30 s", "provider dead for minutes", "deploy, rolling", "deploy, overlapping")
"""Kinds that take longer than everything else here together."""
QUICK: Final = [kind for kind in KINDS if kind.name not in LONG]
ORDER: Final = Order(SEED, MESSAGES, schedule(SEED, FAULTS, QUICK, alone=False), minutes=0)


@pytest.fixture(scope="module")
def outcome() -> Iterator[Outcome]:
    with scratch("gatehouse-chaos-") as directory, raised(SEED, directory) as stage:
        yield Run(ORDER, stage, print).run()  # shown by pytest when a test fails


@pytest.mark.chaos
@pytest.mark.xdist_group("chaos")
class TestUnderMixedFaults:
    """One run, judged."""

    def test_every_fault_struck(self, outcome: Outcome) -> None:
        assert len(outcome.struck) == FAULTS
        assert [one for one in outcome.struck if one.note.startswith("failed")] == []

    def test_every_accepted_text_is_answered_or_waits_for_a_person(self, outcome: Outcome) -> None:
        assert outcome.account.owed > MESSAGES * 0.9
        assert outcome.account.lost == []
        braked = {who.number for who in ORDER.customers if tenant_of(who) == BRAKED}
        assert set(outcome.account.suppressed) <= braked

    def test_nothing_is_sent_twice(self, outcome: Outcome) -> None:
        assert outcome.turned_away > 0
        assert outcome.account.duplicated == []

    def test_nobody_who_opted_out_is_texted(self, outcome: Outcome) -> None:
        assert outcome.account.against_opt_out == []

    def test_nothing_leaves_while_a_tenants_brake_is_pulled(self, outcome: Outcome) -> None:
        assert outcome.account.against_brake == []

    def test_hardly_anything_needs_a_person(self, outcome: Outcome) -> None:
        assert len(outcome.account.person) <= MESSAGES * 0.01
