"""The extractive composer: what it says, and that it says nothing of its own."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.replies.ports import EntryKind, Passage, ReplyRequest, Turn
from providers.extractive import phrases
from providers.extractive.composer import AIM, LIMIT, ExtractiveComposer

_DRAIN = Passage(
    UUID(int=1), "service", "Drain cleaning", "We clear drains. It takes an hour", "$149 for one drain", 0.9
)
_TOILET = Passage(UUID(int=2), "service", "Toilet repair", "We fix toilets.", "$129", 0.9)
_HOURS = Passage(UUID(int=3), "hours", "Opening hours", "Open 8 am to 6 pm.", None, 0.8)
_PAY = Passage(UUID(int=4), "faq", "How can I pay?", "We take cash and cards.", None, 0.7)
_REQUEST = ReplyRequest("Harbor Plumbing", "a question", (), (), 0.5, None, None)
_COMPOSER = ExtractiveComposer()


def _asked(*passages: Passage, question: str = "a question", ours: str | None = None) -> ReplyRequest:
    history = () if ours is None else (Turn("contact", "what about it"), Turn("us", ours))
    return replace(_REQUEST, question=question, passages=passages, history=history)


def test_a_service_is_stated_with_its_price() -> None:
    reply = _COMPOSER.compose(_asked(_DRAIN, _PAY))
    assert reply.text == "Drain cleaning: We clear drains. It takes an hour. Price: $149 for one drain."
    assert (reply.kind, reply.confidence, reply.sources) == ("answer", 0.9, (_DRAIN.entry_id,))


def test_two_questions_are_both_answered_and_no_third() -> None:
    reply = _COMPOSER.compose(
        _asked(replace(_DRAIN, answers=(0,)), replace(_HOURS, answers=(1,)), replace(_PAY, answers=(2,)))
    )
    assert reply.text.endswith("Price: $149 for one drain.\nOpen 8 am to 6 pm.")
    assert reply.sources == (_DRAIN.entry_id, _HOURS.entry_id)
    assert reply.confidence == 0.8


def test_one_entry_that_answers_both_questions_is_stated_once() -> None:
    reply = _COMPOSER.compose(_asked(replace(_DRAIN, answers=(0, 1)), replace(_TOILET, score=0.8, answers=(1,))))
    assert reply.sources == (_DRAIN.entry_id,)


def test_between_two_services_that_fit_alike_it_asks() -> None:
    reply = _COMPOSER.compose(_asked(_DRAIN, _TOILET, _PAY))
    assert (reply.kind, reply.text) == ("clarify", "Do you mean Drain cleaning or Toilet repair?")
    assert reply.sources == ()


def test_a_question_that_is_clear_is_answered_beside_one_that_is_not() -> None:
    reply = _COMPOSER.compose(
        _asked(replace(_HOURS, answers=(0,)), replace(_DRAIN, answers=(1,)), replace(_TOILET, answers=(1,)))
    )
    assert reply.text == "Open 8 am to 6 pm.\nDo you mean Drain cleaning or Toilet repair?"
    assert reply.kind == "answer"


def test_below_the_threshold_it_names_what_it_could_be_about() -> None:
    near, far = replace(_DRAIN, score=0.49), replace(_PAY, score=0.1)
    reply = _COMPOSER.compose(_asked(near, far))
    assert (reply.kind, reply.confidence, reply.text) == ("clarify", 0.49, 'Do you mean "Drain cleaning"?')
    several = _COMPOSER.compose(_asked(near, replace(far, score=0.3)))
    assert several.text == phrases.ABOUT.format(titles='"Drain cleaning", "How can I pay?"')
    assert _COMPOSER.compose(_asked(far)).text == phrases.REPHRASE


@pytest.mark.parametrize(
    "asked", [phrases.REPHRASE, phrases.ABOUT.format(titles="x"), phrases.WHICH.format(titles="x or y")]
)
@pytest.mark.parametrize("passages", [(), (replace(_DRAIN, score=0.4),), (_DRAIN, _TOILET)])
def test_it_asks_once_and_then_offers_a_call(asked: str, passages: Sequence[Passage]) -> None:
    reply = _COMPOSER.compose(_asked(*passages, ours=asked))
    assert (reply.kind, reply.text) == ("call_back", phrases.CALL_BACK.format(client="Harbor Plumbing"))


@pytest.mark.parametrize(
    ("answer", "taken"),
    [
        ("the second one", _TOILET),
        ("2", _TOILET),
        ("First please", _DRAIN),
        ("yes", None),
        ("the third", None),
        ("first and second", None),
        ("not the first", None),
    ],
)
def test_a_customer_picks_one_of_the_choices(answer: str, taken: Passage | None) -> None:
    reply = _COMPOSER.compose(
        _asked(_TOILET, _DRAIN, question=answer, ours="Do you mean Drain cleaning or Toilet repair?")
    )
    assert list(reply.sources) == ([taken.entry_id] if taken else [])


@pytest.mark.parametrize(("answer", "kind"), [("Yes please", "answer"), ("ok", "answer"), ("no", "call_back")])
def test_a_single_guess_is_stated_once_the_customer_says_so(answer: str, kind: str) -> None:
    reply = _COMPOSER.compose(_asked(replace(_PAY, score=0.3), question=answer, ours='Do you mean "How can I pay?"?'))
    assert reply.kind == kind


def test_the_clients_own_words_offer_the_call_and_the_answer_to_them_is_confirmed() -> None:
    own = replace(_asked(ours=phrases.REPHRASE), call_back_text=" Shall Dana call you? ")
    offered = _COMPOSER.compose(own)
    assert (offered.kind, offered.text) == ("call_back", "Shall Dana call you?")
    for answer in ("yes", "Bob, after five"):
        history = (*own.history, Turn("contact", "hm"), Turn("us", offered.text))
        reply = _COMPOSER.compose(replace(own, question=answer, history=history))
        assert reply.text == phrases.CALL_BACK_CONFIRMED.format(client="Harbor Plumbing")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("hi", phrases.GREETING.format(client="Harbor Plumbing")),
        ("Good morning!", phrases.GREETING.format(client="Harbor Plumbing")),
        ("Thank you so much", phrases.WELCOME),
        ("ok, thanks", phrases.WELCOME),
        ("OK", phrases.ACKNOWLEDGED),
        ("👍", phrases.ACKNOWLEDGED),
    ],
)
def test_courtesy_is_returned(text: str, says: str) -> None:
    reply = _COMPOSER.compose(_asked(question=text))
    assert (reply.kind, reply.text) == ("courtesy", says)


@pytest.mark.parametrize("text", ["", " ", "?", "hi do you fix toilets", "you", "it is this one"])
def test_what_asks_or_says_more_is_no_courtesy(text: str) -> None:
    assert _COMPOSER.compose(_asked(question=text)).kind == "clarify"


def test_a_booking_link_is_sent_to_whom_it_may_concern() -> None:
    link = "https://booking.example.com/harbor"
    booking = replace(_asked(_PAY, question="can I book a visit"), booking_url=link)
    assert _COMPOSER.compose(booking).text.endswith(f"\nBook a time: {link}")
    assert link not in _COMPOSER.compose(replace(booking, question="can I pay")).text
    assert link not in _COMPOSER.compose(replace(booking, booking_url=None)).text


def test_long_entries_are_cut_after_a_sentence_and_keep_their_price() -> None:
    long = replace(_DRAIN, body="We clear drains. " + "This goes on and on. " * 50)
    reply = _COMPOSER.compose(_asked(long))
    assert len(reply.text) <= AIM
    assert reply.text.startswith("Drain cleaning: We clear drains. This goes")
    assert reply.text.endswith("on. Price: $149 for one drain.")


_TEXTS = st.text("abcdeABCDE0123456789$.:?!,  ", min_size=1, max_size=80).filter(lambda text: bool(text.strip()))
_LONG = st.builds(lambda text, times: " ".join([text] * times), _TEXTS, st.integers(1, 80))
_KINDS: st.SearchStrategy[EntryKind] = st.sampled_from(("service", "hours", "faq"))
_PASSAGES = st.builds(
    Passage,
    entry_id=st.uuids(),
    kind=_KINDS,
    title=_TEXTS | _LONG,
    body=_TEXTS | st.builds(lambda text, times: f"{text}. " * times, _TEXTS, st.integers(1, 80)),
    price=st.none() | st.text(" ", max_size=2) | _TEXTS | _LONG,
    score=st.floats(0, 1),
    answers=st.lists(st.integers(0, 2), max_size=3, unique=True).map(tuple),
)
_REQUESTS = st.builds(
    ReplyRequest,
    client_name=_TEXTS,
    question=st.text(max_size=200) | _TEXTS,
    passages=st.lists(_PASSAGES, max_size=5),
    history=st.lists(
        st.builds(
            Turn, st.sampled_from(("contact", "us")), st.sampled_from((phrases.REPHRASE, "ok")) | st.text(max_size=50)
        ),
        max_size=4,
    ),
    threshold=st.floats(0, 1),
    call_back_text=st.none() | _TEXTS,
    booking_url=st.none() | st.just("https://booking.example.com/x1"),
)
_CLAIM = re.compile(r"\$?[0-9]+(?:[.,:][0-9]+)*|\b[A-Z][A-Za-z]*")
_FIXED = " ".join(value for name, value in vars(phrases).items() if name.isupper() and isinstance(value, str))


@given(_REQUESTS)
def test_every_number_price_and_name_in_a_reply_comes_from_the_client(request: ReplyRequest) -> None:
    reply = _COMPOSER.compose(request)
    given_words = [request.client_name, request.call_back_text or "", request.booking_url or "", _FIXED]
    given_words += [f"{p.title} {p.body} {p.price or ''}" for p in request.passages]
    known = {*_CLAIM.findall(" ".join(given_words))}
    assert {*_CLAIM.findall(reply.text)} <= known
    assert 0 < len(reply.text) <= LIMIT
    assert 0 <= reply.confidence <= 1
    assert {*reply.sources} <= {passage.entry_id for passage in request.passages}
    assert bool(reply.sources) == (reply.kind == "answer")


@given(_REQUESTS)
def test_nothing_below_the_threshold_is_stated(request: ReplyRequest) -> None:
    unsure = [replace(passage, score=passage.score / 2) for passage in request.passages]
    assert _COMPOSER.compose(replace(request, passages=unsure, history=(), threshold=0.51)).kind != "answer"
