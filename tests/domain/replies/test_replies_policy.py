"""What makes an entry's score."""

from __future__ import annotations

from uuid import UUID

import pytest

from domain.replies.policy import Hit, judge
from domain.replies.question import Earlier, Question, read_question

_SERVICE, _OTHER, _HOURS = UUID(int=1), UUID(int=2), UUID(int=3)
_ENTRIES = 20


def _hit(question: Question, entry: UUID, *words: str, strength: float = 1.0, priced: bool = False) -> Hit:
    """Make an entry that has the terms with these words."""
    places = [place for place, term in enumerate(question.terms) if {*words} & {*term.words}]
    return Hit(entry, is_hours=entry == _HOURS, has_price=priced, strengths=dict.fromkeys(places, strength))


def _scores(question: Question, *hits: Hit) -> dict[UUID, float]:
    return {verdict.entry_id: round(verdict.score, 2) for verdict in judge(question, hits, _ENTRIES)}


@pytest.mark.parametrize(
    ("text", "words", "score"),
    [
        ("drain", ["drain"], 1.0),
        ("drain clogged", ["drain", "clogged"], 1.0),
        # One known word beside one unknown does not make an answer at the usual threshold; two known ones do.
        ("drain pizza", ["drain"], 0.48),
        ("drain clogged pizza", ["drain", "clogged"], 0.72),
        # A day narrows a question: that an entry says nothing of it weighs half.
        ("drain saturday", ["drain"], 0.67),
        ("pizza", [], None),
    ],
)
def test_the_score_is_the_share_of_what_was_asked(text: str, words: list[str], score: float | None) -> None:
    question = read_question(text)
    assert _scores(question, _hit(question, _SERVICE, *words)).get(_SERVICE) == score


def test_a_price_counts_for_an_entry_as_far_as_the_rest_fits() -> None:
    question = read_question("how much is a drain pizza")
    scores = _scores(
        question, _hit(question, _SERVICE, "drain", priced=True), _hit(question, _OTHER, "drain", priced=False)
    )
    assert scores[_SERVICE] > scores[_OTHER]
    question = read_question("how much is a pizza")
    assert _scores(question, _hit(question, _SERVICE, priced=True)) == {}


def test_opening_hours_speak_to_times_and_days_without_naming_them() -> None:
    question = read_question("are you open on sunday")
    assert _scores(question, _hit(question, _HOURS))[_HOURS] > 0.9


def test_rare_words_weigh_more_than_common_ones() -> None:
    question = read_question("faucet repair")
    common = [_hit(question, UUID(int=100 + n), "repair") for n in range(8)]
    scores = _scores(question, _hit(question, _SERVICE, "faucet"), *common)
    assert scores[_SERVICE] > 2 * scores[UUID(int=100)]


def test_two_questions_have_an_answer_each() -> None:
    question = read_question("Is the drain clogged? Are you open on Sunday?")
    verdicts = judge(question, [_hit(question, _SERVICE, "drain", "clogged"), _hit(question, _HOURS)], _ENTRIES)
    assert {verdict.entry_id: verdict.answers for verdict in verdicts} == {_SERVICE: (0,), _HOURS: (1,)}


def test_a_loose_and_is_taken_apart_only_when_each_half_is_answered_better() -> None:
    apart = read_question("faucet & toilet")
    verdicts = judge(apart, [_hit(apart, _SERVICE, "faucet"), _hit(apart, _OTHER, "toilet")], _ENTRIES)
    assert {verdict.entry_id: verdict.answers for verdict in verdicts} == {_SERVICE: (0,), _OTHER: (1,)}
    whole = read_question("licensed and insured")
    verdicts = judge(whole, [_hit(whole, _SERVICE, "licensed", "insured")], _ENTRIES)
    assert [verdict.answers for verdict in verdicts] == [(0,)]


def test_equal_scores_answer_the_same_part() -> None:
    question = read_question("heater")
    verdicts = judge(question, [_hit(question, _SERVICE, "heater"), _hit(question, _OTHER, "heater")], _ENTRIES)
    assert [(verdict.entry_id, verdict.answers) for verdict in verdicts] == [(_SERVICE, (0,)), (_OTHER, (0,))]


def test_a_clear_text_stands_alone_and_an_unclear_one_is_read_with_the_earlier() -> None:
    earlier = Earlier("water heater", we_asked=True)
    unclear = read_question("fix", earlier)
    hits = [_hit(unclear, _SERVICE, "water", "heater", "fix"), _hit(unclear, _OTHER, "fix")]
    assert [verdict.entry_id for verdict in judge(unclear, hits, _ENTRIES) if verdict.answers] == [_SERVICE]
    clear = read_question("what are your hours", earlier)
    hits = [_hit(clear, _SERVICE, "water", "heater"), _hit(clear, _HOURS)]
    assert [verdict.entry_id for verdict in judge(clear, hits, _ENTRIES)] == [_HOURS]


def test_without_hits_there_is_no_verdict() -> None:
    assert judge(read_question("drain"), [], 0) == []
