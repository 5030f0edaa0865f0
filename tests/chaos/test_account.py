"""The judge of a chaos run finds what it is there to find."""

from __future__ import annotations

from typing import Final

import pytest

from tests.chaos.account import Account, Reasons, Span, settle
from tests.chaos.customers import Customer, Script, Temper, customer
from tests.chaos.faults import Struck
from tests.chaos.ledger import Taken
from tests.chaos.schedule import BY_NAME, KINDS, Fault, schedule
from tests.chaos.sender import Posted
from tests.chaos.tenants import BRAKED, tenant_of

SEED: Final = 1
NOW: Final = 1_000_000.0


def somebody(script: Script = Script.ASK) -> Customer:
    everybody = (customer(SEED, index) for index in range(10_000))
    return next(who for who in everybody if who.script is script and who.temper is Temper.PLAIN)


def posted(who: Customer, at: float = NOW) -> list[Posted]:
    return [Posted(text, f"SM{text.step}", at + text.step, at + text.step + 0.1, 1) for text in who.texts]


def account_of(who: Customer, *sent_at: float, spans: tuple[Span, ...] = (), reasons: Reasons | None = None) -> Account:
    taken = {who.number: [Taken(at, who.number, "an answer") for at in sent_at]}
    return settle({who.number: who}, posted(who), taken, spans, reasons or Reasons())


def test_an_answered_text_is_neither_lost_nor_late() -> None:
    account = account_of(somebody(), NOW + 2)
    assert (account.owed, account.answered, account.lost, account.duplicated, account.late) == (1, 1, [], [], [])


def test_an_accepted_text_without_an_answer_is_lost_unless_the_house_says_why() -> None:
    who = somebody()
    assert account_of(who).lost == [who.number]
    assert account_of(who, reasons=Reasons(person={who.number: "dead"})).person == [who.number]
    assert account_of(who, reasons=Reasons(suppressed={who.number: "cancelled"})).suppressed == [who.number]


def test_a_text_that_was_never_accepted_is_not_owed() -> None:
    who = somebody()
    refused = [Posted(who.texts[0], "SM0", NOW, None, 9)]
    assert settle({who.number: who}, refused, {}, [], Reasons()).owed == 0


def test_two_texts_for_one_question_are_a_duplicate() -> None:
    who = somebody()
    assert account_of(who, NOW + 1, NOW + 30).duplicated == [who.number]


def test_a_text_after_an_opt_out_is_found() -> None:
    who = somebody(Script.STOP_ASK)
    assert account_of(who).against_opt_out == []
    assert account_of(who, NOW + 3).against_opt_out == [who.number]


def test_a_text_after_opting_in_again_is_owed() -> None:
    who = somebody(Script.STOP_START_ASK)
    assert account_of(who, NOW + 4).against_opt_out == []
    assert account_of(who).lost == [who.number]


def test_a_text_while_the_brake_was_pulled_is_found() -> None:
    everybody = (customer(SEED, index) for index in range(10_000))
    who = next(one for one in everybody if one.script is Script.ASK and tenant_of(one) == BRAKED)
    taken = {who.number: [Taken(NOW + 30, who.number, "an answer")]}

    def against(since: float, until: float) -> list[str]:
        account = settle({who.number: who}, posted(who), taken, [], Reasons(), (since, until))
        return account.against_brake

    assert against(NOW, NOW + 60) == [who.number]
    assert against(NOW, NOW + 29) == []
    assert against(NOW + 31, NOW + 60) == []


def test_a_text_whose_webhook_never_came_is_owed_after_a_look_at_the_list() -> None:
    who = next(one for one in (customer(SEED, index) for index in range(10_000)) if one.withheld)
    never = [Posted(who.texts[0], "SM0", NOW)]
    nothing = settle({who.number: who}, never, {}, [], Reasons(), None, NOW + 600)
    assert (nothing.withheld, nothing.not_taken_in, nothing.lost) == (1, [who.number], [])
    taken = {who.number: [Taken(NOW + 601, who.number, "an answer")]}
    assert settle({who.number: who}, never, taken, [], Reasons(), None, NOW + 600).not_taken_in == []
    assert settle({who.number: who}, never, {}, [], Reasons(), None, NOW + 60).withheld == 0


def test_an_answer_held_up_by_faults_counts_from_their_end() -> None:
    fault = Fault(1, 1, KINDS[0].name, 0, 0, 0)
    span = Span(1, NOW - 1, NOW + 50, [Struck(fault, NOW - 1, NOW + 50)])
    account = account_of(somebody(), NOW + 60, spans=(span,))
    assert (account.late, account.recoveries) == ([], {1: 10.0})
    assert account_of(somebody(), NOW + 80, spans=(span,)).late == [somebody().number]


def test_faults_after_an_answer_was_late_do_not_excuse_it() -> None:
    who = somebody()
    fault = Fault(1, 1, KINDS[0].name, 0, 0, 0)
    later = Span(1, NOW + 25, NOW + 50, [Struck(fault, NOW + 25, NOW + 50)])
    assert account_of(who, NOW + 55, spans=(later,)).late == [who.number]
    sooner = Span(1, NOW + 15, NOW + 50, [Struck(fault, NOW + 15, NOW + 50)])
    assert account_of(who, NOW + 55, spans=(sooner,)).late == []


@pytest.mark.parametrize("alone", [True, False])
def test_a_seed_gives_the_same_faults_each_time_and_every_kind_strikes(alone: bool) -> None:  # noqa: FBT001
    drawn = schedule(3, 200, alone=alone)
    assert drawn == schedule(3, 200, alone=alone)
    assert drawn != schedule(4, 200, alone=alone)
    faults = [fault for each in drawn for fault in each.faults]
    assert len(faults) == 200
    assert {fault.kind for fault in faults} == {kind.name for kind in KINDS}


def test_a_kind_that_is_left_out_of_mixes_can_be_asked_for_alone() -> None:
    drawn = schedule(1, 3, [BY_NAME["provider dead for minutes"]])
    assert [fault.lasts for each in drawn for fault in each.faults] == [120, 120, 120]
