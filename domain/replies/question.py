"""Reading a customer's text: its parts, and the terms of each that a knowledge base can be searched for. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from domain.replies.ports import Turn
from domain.replies.vocabulary import (
    DAY_WORDS,
    ESTIMATE_WORDS,
    FILLER,
    HOURS_WORDS,
    PHRASES,
    PRICE_WORDS,
    SHORTHAND,
    SYNONYMS,
)

MAX_CHARACTERS: Final = 1600
"""Longer texts are read up to here; it is also the longest text that a carrier delivers."""
MAX_TERMS: Final = 40
"""Terms read of one text. Real questions have under ten; the limit bounds the work that a hostile one can cause."""
MAX_WORD: Final = 40

About = Literal["topic", "price", "estimate", "hours", "day"]
Halves = tuple[tuple[int, ...], tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class Term:
    """One thing asked about: words that mean the same, each only letters and digits."""

    words: tuple[str, ...]
    about: About = "topic"


@dataclass(frozen=True, slots=True)
class Question:
    """A text's distinct terms, and the parts of the text as indexes into them.

    `halves` names, for a part that a loose "and" joins, the two sides; whether they are asked about separately shows
    only when each side is answered better than the whole. `joined` is the text and what it may continue as one part.
    Without `has_topic` the text alone does not say what it is about.
    """

    terms: tuple[Term, ...]
    parts: tuple[tuple[int, ...], ...]
    halves: tuple[Halves | None, ...]
    joined: tuple[int, ...] = ()
    has_topic: bool = True


_PHRASES: Final = tuple((re.compile(pattern), words) for pattern, words in PHRASES)
_WORD: Final = re.compile(r"[^\W_]+")
_APOSTROPHES: Final = re.compile(r"['\u2019\u02bc`\u00b4]")
_BREAK: Final = re.compile(
    r"[.?!;\n\r]+|\b(?:and also|also|plus)\b"
    r"|(?:,|\band\b|&)(?=\s*(?:and\s+)?(?:do|does|are|is|can|could|will|would|how|what|whats|when|where|which|who)\b)"
)
_JOIN: Final = re.compile(r",|&|\band\b|\bor\b")
_DECIMAL: Final = re.compile(r"(?<=\d)[.,:](?=\d)")


@dataclass(frozen=True, slots=True)
class Earlier:
    """What a customer wrote before, and whether we have asked something since."""

    text: str
    we_asked: bool


def earlier_text(history: Sequence[Turn]) -> Earlier | None:
    """Return the customer's last text before the question, None when there is none. `history` is oldest first."""
    said = next((turn.text for turn in reversed(history) if turn.author == "contact"), None)
    if said is None:
        return None
    return Earlier(said, we_asked=history[-1].author == "us" and history[-1].text.rstrip().endswith("?"))


def read_question(text: str, earlier: Earlier | None = None) -> Question:
    """Read a text of any length and content; one without a topic has no terms.

    It continues an `earlier` text when we asked something since, or when it does not say what it is about.
    """
    terms: dict[Term, int] = {}
    parts: list[tuple[int, ...]] = []
    halves: list[Halves | None] = []
    for piece in _pieces(_normalise(text)):
        part = _index(_terms(piece), terms)
        if not part:
            continue
        if parts and (_without_topic(part, terms) or _without_topic(parts[-1], terms)):
            parts[-1] = _union(parts[-1], part)
            halves[-1] = None
        else:
            parts.append(part)
            halves.append(_halves(piece, terms))
    has_topic = not all(_without_topic(part, terms) for part in parts)
    joined: tuple[int, ...] = ()
    if earlier and (earlier.we_asked or (parts and not has_topic)):
        joined = _union(_index(_terms(_normalise(earlier.text)), terms), tuple(range(len(terms))))
    return Question(tuple(terms), tuple(parts), tuple(halves), joined, has_topic)


def _normalise(text: str) -> str:
    lower = unicodedata.normalize("NFKC", text[:MAX_CHARACTERS]).casefold()
    plain = _DECIMAL.sub("", _APOSTROPHES.sub("", lower))
    for pattern, words in _PHRASES:
        plain = pattern.sub(words, plain)
    return plain


def _pieces(text: str) -> Iterator[str]:
    return (piece for piece in _BREAK.split(text) if piece.strip())


def _terms(piece: str) -> Iterator[Term]:
    for token in _WORD.findall(piece):
        for word in SHORTHAND.get(token, token).split():
            if word not in FILLER and not word.isdigit() and 1 < len(word) <= MAX_WORD:
                yield _term(word)


def _term(word: str) -> Term:
    if word in PRICE_WORDS:
        return Term(("price", "cost", "charge", "fee"), "price")
    if word in ESTIMATE_WORDS:
        return Term(("estimate", "quote"), "estimate")
    if word in HOURS_WORDS:
        return Term(("open", "close", "hours"), "hours")
    return Term((word, *SYNONYMS.get(word, ())), "day" if word in DAY_WORDS else "topic")


def _index(found: Iterator[Term], terms: dict[Term, int]) -> tuple[int, ...]:
    """Return the places of the terms found, adding new ones while there is room."""
    part: list[int] = []
    for term in found:
        if term not in terms and len(terms) < MAX_TERMS:
            terms[term] = len(terms)
        if term in terms and terms[term] not in part:
            part.append(terms[term])
    return tuple(part)


def _without_topic(part: Sequence[int], terms: dict[Term, int]) -> bool:
    """Tell whether a part asks for a price and does not say of what: it belongs to what stands beside it."""
    by_place = list(terms)
    return all(by_place[place].about == "price" for place in part)


def _union(first: tuple[int, ...], second: tuple[int, ...]) -> tuple[int, ...]:
    return (*first, *(place for place in second if place not in first))


def _halves(piece: str, terms: dict[Term, int]) -> Halves | None:
    join = _JOIN.search(piece)
    if join is None:
        return None
    left, right = (_index(_terms(side), terms) for side in (piece[: join.start()], piece[join.end() :]))
    return (left, right) if left and right and {*left} != {*right} else None
