"""Reading a customer's text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.replies.ports import Turn
from domain.replies.question import (
    MAX_TERMS,
    MAX_WORD,
    Earlier,
    Question,
    earlier_text,
    read_question,
)


def _words(question: Question) -> list[list[str]]:
    return [[question.terms[place].words[0] for place in part] for part in question.parts]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("How much is a drain and are you open on Saturday?", [["price", "drain"], ["open", "saturday"]]),
        ("do you take credit cards? do you serve Falmouth?", [["credit", "cards"], ["serve", "falmouth"]]),
        ("My sink is clogged. How much?", [["sink", "clogged", "price"]]),
        ("Hi!\nmy name is Bob\ndrain clogged", [["name", "bob"], ["drain", "clogged"]]),
        ("r u open 24/7", [["open", "overnight", "emergency"]]),
        ("price 4 toilet repair", [["price", "toilet", "repair"]]),
        ("can u come tmrw at 5:30 p.m.", [["tomorrow", "oclock"]]),
        ("what's the cost of a 2.5 gallon tank", [["price", "gallon", "tank"]]),
        ("hello, how are you?", []),
        ("", []),
        ("👍🏽 !!! 123", []),
    ],
)
def test_a_text_is_read_as_its_parts_and_their_terms(text: str, parts: list[list[str]]) -> None:
    assert _words(read_question(text)) == parts


def test_words_that_mean_the_same_are_one_term() -> None:
    question = read_question("what does it cost, what is the price, what do you charge")
    assert len(question.terms) == 1


def test_the_halves_of_a_loose_and_are_kept_beside_the_whole() -> None:
    question = read_question("faucet installation & toilet repair")
    assert question.parts == ((0, 1, 2, 3),)
    assert question.halves == (((0, 1), (2, 3)),)


@pytest.mark.parametrize(
    ("history", "earlier"),
    [
        ([], None),
        ([Turn("us", "Hello?")], None),
        ([Turn("contact", "heater"), Turn("us", "Repair or new? ")], Earlier("heater", we_asked=True)),
        ([Turn("contact", "hours"), Turn("us", "8 to 6.")], Earlier("hours", we_asked=False)),
        ([Turn("contact", "hi"), Turn("us", "Hi?"), Turn("contact", "drain")], Earlier("drain", we_asked=False)),
    ],
)
def test_what_a_text_may_continue(history: list[Turn], earlier: Earlier | None) -> None:
    assert earlier_text(history) == earlier


@pytest.mark.parametrize(
    ("text", "earlier", "joined"),
    [
        ("replacement", Earlier("water heater", we_asked=True), {"water", "heater", "replacement"}),
        ("how much is that?", Earlier("do you fix toilets", we_asked=False), {"fix", "toilets", "price"}),
        ("do you take cards", Earlier("do you fix toilets", we_asked=False), set()),
        ("???", Earlier("do you fix toilets", we_asked=False), set()),
        ("how much is that?", None, set()),
    ],
)
def test_a_text_continues_an_earlier_one(text: str, earlier: Earlier | None, joined: set[str]) -> None:
    question = read_question(text, earlier)
    assert {question.terms[place].words[0] for place in question.joined} == joined


@given(st.text(max_size=4000))
def test_any_text_gives_words_that_are_safe_in_a_query(text: str) -> None:
    question = read_question(text, Earlier(text[::-1], we_asked=True))
    assert len(question.terms) <= MAX_TERMS
    for term in question.terms:
        assert all(word.isalnum() and len(word) <= MAX_WORD for word in term.words)
    for part in (*question.parts, question.joined):
        assert all(0 <= place < len(question.terms) for place in part)
    assert len(question.halves) == len(question.parts)
