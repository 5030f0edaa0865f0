"""How much of a question an entry speaks to. Pure arithmetic over what the search found, tested by table.

A term weighs more the fewer of the client's entries have it. One that no entry has weighs most, because it may be what
the text is about; the more else fits an entry, the less likely that is. Days and prices narrow a question and are not
its topic. The score is the weight of the terms that an entry has over the weight of all that were asked.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from domain.replies.question import Halves, Question, Term

TIE: Final = 0.04
"""Scores closer than this are the same: the text does not tell which of the entries is meant."""
CLEAR: Final = 0.6
"""A text that scores less, or fits several entries, is read together with the earlier one that it may continue."""
UNKNOWN: Final = 1.1
"""The weight of a term that no entry has. A term that one entry alone has weighs 1."""
NARROWING: Final[Mapping[str, float]] = {"price": 0.5, "day": 0.5}
"""The weight of terms that narrow a question."""
FITS: Final = 0.4
"""The strength from which a term is taken to fit an entry."""
PRICED: Final[Mapping[str, float]] = {"price": 1.0, "estimate": 0.7}
"""How strongly an entry that has a price, and fits what else was asked, speaks to a question for it."""
HOURS: Final[Mapping[str, float]] = {"hours": 1.0, "day": 0.85}
"""How strongly opening hours speak to a question for them."""


@dataclass(frozen=True, slots=True)
class Hit:
    """What the search found of one entry: the strength (0 to 1) with which each term, by its place, occurs in it."""

    entry_id: UUID
    is_hours: bool
    has_price: bool
    strengths: Mapping[int, float]


@dataclass(frozen=True, slots=True)
class Verdict:
    """An entry's score, and the parts of the question to which no other entry speaks more."""

    entry_id: UUID
    score: float
    answers: tuple[int, ...]


def judge(question: Question, hits: Sequence[Hit], entries: int) -> list[Verdict]:
    """Score every hit, best first. `entries` is the size of the knowledge base; equal scores keep the order of hits."""
    scale = _Scale(question.terms, hits, entries)
    parts = [
        part
        for whole, halves in zip(question.parts, question.halves, strict=True)
        for part in _split(scale, whole, halves)
    ]
    alone = _verdicts(scale, parts)
    joined = _verdicts(scale, [question.joined]) if question.joined else []
    if question.has_topic and (_is_clear(alone) or not _is_clear(joined)):
        return alone or joined
    return joined or alone


class _Scale:
    """What each term of a question weighs, over the hits of one search."""

    def __init__(self, terms: Sequence[Term], hits: Sequence[Hit], entries: int) -> None:
        self.terms = terms
        self.hits = hits
        self._weights = [self._weight(place, term, entries) for place, term in enumerate(terms)]

    def _weight(self, place: int, term: Term, entries: int) -> float | None:
        """Return None for a term that no entry has."""
        having = sum(1 for hit in self.hits if hit.strengths.get(place))
        if term.about in NARROWING:
            return NARROWING[term.about]
        if term.about == "hours":
            return 1.0
        return math.log1p(entries / having) / math.log1p(entries) if having else None

    def score(self, part: Sequence[int], hit: Hit) -> float:
        """Return how much of a part of the question an entry speaks to, 0 to 1."""
        strengths = {place: self._strength(place, hit) for place in part}
        unknown = UNKNOWN / math.sqrt(max(1, self._fitting(strengths)))
        weights = {place: unknown if (weight := self._weights[place]) is None else weight for place in part}
        topics = [place for place in part if self.terms[place].about not in PRICED]
        covered = _covered(topics, strengths, weights)
        if hit.has_price:
            for place in part:
                strengths[place] = max(strengths[place], PRICED.get(self.terms[place].about, 0.0) * covered)
        return _covered(part, strengths, weights)

    def _fitting(self, strengths: Mapping[int, float]) -> int:
        """Return how many things that were asked fit an entry; opening hours and a day are one."""
        fitting = [self.terms[place].about for place, strength in strengths.items() if strength >= FITS]
        return sum(about in {"topic", "estimate"} for about in fitting) + ("hours" in fitting or "day" in fitting)

    def _strength(self, place: int, hit: Hit) -> float:
        strength = hit.strengths.get(place, 0.0)
        return max(strength, HOURS.get(self.terms[place].about, 0.0)) if hit.is_hours else strength

    def best(self, part: Sequence[int]) -> tuple[float, UUID | None]:
        """Return the best score of a part, and whose it is."""
        scored = ((self.score(part, hit), hit.entry_id) for hit in self.hits)
        return max(scored, key=lambda pair: pair[0], default=(0.0, None))


def _covered(part: Sequence[int], strengths: Mapping[int, float], weights: Mapping[int, float]) -> float:
    total = sum(weights[place] for place in part)
    return sum(weights[place] * strengths[place] for place in part) / total if total else 0.0


def _split(scale: _Scale, whole: tuple[int, ...], halves: Halves | None) -> list[tuple[int, ...]]:
    """Take a part apart when each half is answered better than the whole, and by another entry."""
    if halves is None:
        return [whole]
    (left, left_entry), (right, right_entry), (together, _) = (scale.best(part) for part in (*halves, whole))
    return list(halves) if min(left, right) > together + TIE and left_entry != right_entry else [whole]


def _verdicts(scale: _Scale, parts: Sequence[tuple[int, ...]]) -> list[Verdict]:
    scores = [[scale.score(part, hit) for part in parts] for hit in scale.hits]
    best = [max(column) for column in zip(*scores, strict=True)]
    verdicts = [_verdict(hit.entry_id, scored, best) for hit, scored in zip(scale.hits, scores, strict=True)]
    return sorted((verdict for verdict in verdicts if verdict.score > 0), key=lambda verdict: -verdict.score)


def _verdict(entry: UUID, scored: Sequence[float], best: Sequence[float]) -> Verdict:
    """Score an entry that answers parts by these alone: it may speak a little to the others as well."""
    answers = tuple(number for number, score in enumerate(scored) if 0 < best[number] <= score + TIE)
    return Verdict(entry, max((scored[number] for number in answers), default=max(scored, default=0.0)), answers)


def _is_clear(verdicts: Sequence[Verdict]) -> bool:
    """Tell whether a text speaks for itself: one entry answers it, and well."""
    return bool(verdicts) and verdicts[0].score >= CLEAR and sum(0 in verdict.answers for verdict in verdicts) == 1
