"""Composing a reply out of the passages alone."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from domain.replies.ports import ComposedReply, Passage, ReplyKind, ReplyRequest
from providers.extractive import phrases

AIM: Final = 320
"""Characters that a reply should keep to: two SMS segments."""
LIMIT: Final = 1600
"""Characters that a reply never passes: a carrier would refuse it."""
MAX_PRICE: Final = 300
MAX_ANSWERS: Final = 2
MAX_CHOICES: Final = 3
TIE: Final = 0.04
"""Scores closer than this don't tell which passage is meant."""
SIGNAL: Final = 0.2
"""The score from which a passage is worth naming as what the question may be about."""

_SENTENCE_END: Final = re.compile(r"(?<=[.!?])\s+(?=\S)")
_BOOKING: Final = re.compile(r"\b(?:re)?(?:book|schedul|appointment|reserv)", re.IGNORECASE)


class ExtractiveComposer:
    """Implements `domain.replies.ports.Composer` without state: the same request gives the same reply.

    A passage below the threshold is stated only to a customer who said that it is the one meant. One clarifying
    question is asked, then a call-back is offered.
    """

    name = "extractive"

    def compose(self, request: ReplyRequest) -> ComposedReply:
        """Return a reply whose every claim is a passage's."""
        ours = next((turn.text for turn in reversed(request.history) if turn.author == "us"), "")
        asked_back, offered_call = phrases.asks_back(ours), ours == _call_back(request)
        picked = _picked(request, ours) if asked_back else None
        if picked:
            return _answer(request, [picked], [])
        polite = phrases.courtesy(request.question)
        if polite and not (polite == "agreement" and (asked_back or offered_call)):
            return _reply(_COURTESIES[polite].format(client=request.client_name), 1.0, "courtesy")
        answers, choices = _choose(request)
        if answers:
            return _answer(request, answers, choices)
        confidence = max((passage.score for passage in request.passages), default=0.0) / max(len(choices), 1)
        if offered_call:
            return _reply(phrases.CALL_BACK_CONFIRMED.format(client=request.client_name), confidence, "call_back")
        if asked_back:
            return _reply(_call_back(request), confidence, "call_back")
        return _reply(_question_back(request, choices), confidence, "clarify")


_COURTESIES: Final = {
    "greeting": phrases.GREETING,
    "thanks": phrases.WELCOME,
    "agreement": phrases.ACKNOWLEDGED,
}


def _choose(request: ReplyRequest) -> tuple[list[Passage], list[Passage]]:
    """Return what to state, and the services between which the question does not tell."""
    answers: list[Passage] = []
    choices: list[Passage] = []
    for part in sorted({part for passage in request.passages for part in passage.answers}):
        fitting = sorted(
            (p for p in request.passages if part in p.answers and p.score >= request.threshold), key=lambda p: -p.score
        )
        if not fitting or any(passage in answers for passage in fitting):
            continue
        tied = [p for p in fitting if p.kind == "service" and p.score >= fitting[0].score - TIE]
        if fitting[0].kind == "service" and len(tied) > 1:
            choices = choices or tied[:MAX_CHOICES]
        elif len(answers) < MAX_ANSWERS:
            answers.append(fitting[0])
    return answers, choices


def _picked(request: ReplyRequest, ours: str) -> Passage | None:
    """Return the passage that a customer takes when we asked which one is meant; it is as sure as their word."""
    offered = sorted((p for p in request.passages if p.title in ours), key=lambda p: ours.index(p.title))
    place = phrases.picked(request.question, len(offered))
    return None if place is None else replace(offered[place], score=1.0)


def _answer(request: ReplyRequest, answers: Sequence[Passage], choices: Sequence[Passage]) -> ComposedReply:
    room = AIM // len(answers)
    lines = [_statement(passage, room) for passage in answers]
    if choices:
        lines.append(_which(choices))
    if request.booking_url and _BOOKING.search(request.question):
        lines.append(phrases.BOOK.format(url=request.booking_url))
    confidence = min(passage.score for passage in answers)
    return ComposedReply(_within("\n".join(lines)), confidence, tuple(p.entry_id for p in answers), "answer")


def _statement(passage: Passage, room: int) -> str:
    """State a passage in about `room` characters: whole sentences from its beginning, and always its price."""
    title = f"{passage.title.rstrip(' .:')}: " if passage.kind == "service" else ""
    price = _within((passage.price or "").strip(), MAX_PRICE)
    price = f" {_ended(phrases.PRICE.format(price=price))}" if price else ""
    first, *others = _SENTENCE_END.split(" ".join(passage.body.split()))
    said = first
    for sentence in others:
        if len(title) + len(said) + 1 + len(sentence) + len(price) > room:
            break
        said = f"{said} {sentence}"
    return _within(f"{title}{_ended(said)}", LIMIT // MAX_ANSWERS - len(price) - 1) + price


def _question_back(request: ReplyRequest, choices: Sequence[Passage]) -> str:
    if choices:
        return _which(choices)
    near = [f'"{passage.title}"' for passage in request.passages if passage.score >= SIGNAL][:MAX_CHOICES]
    if not near:
        return phrases.REPHRASE
    return _within((phrases.ABOUT if len(near) > 1 else phrases.WHICH).format(titles=", ".join(near)))


def _which(choices: Sequence[Passage]) -> str:
    *others, last = [passage.title for passage in choices]
    return _within(phrases.WHICH.format(titles=f"{', '.join(others)} or {last}"))


def _call_back(request: ReplyRequest) -> str:
    text = (request.call_back_text or "").strip() or phrases.CALL_BACK.format(client=request.client_name)
    return _within(text)


def _reply(text: str, confidence: float, kind: ReplyKind) -> ComposedReply:
    return ComposedReply(_within(text), confidence, (), kind)


def _ended(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."


def _within(text: str, limit: int = LIMIT) -> str:
    """Cut a text that is too long after a whole word."""
    if len(text) <= limit:
        return text
    return f"{text[: limit - 3].rsplit(maxsplit=1)[0]}..."
