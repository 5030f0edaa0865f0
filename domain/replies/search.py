"""Finding the entries of a client's knowledge base that speak to a customer's text, in one statement."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from domain.replies.policy import Hit, judge
from domain.replies.ports import Passage, Turn
from domain.replies.question import Question, earlier_text, read_question

MAX_CANDIDATES: Final = 40
"""Entries that are looked at closely; of a larger knowledge base those with the best rank."""

# `words` holds letters, digits and " | " alone (see `question`), so it is always a well-formed query; what is a stop
# word and what the stem of a word is, the column's text search configuration decides.
#
# A term that no entry has may be misspelt: then the client's own words that differ by one change stand in for it (a
# letter more, less or other, or two swapped; two changes in a long word). A common beginning and a common end leave out
# just what differs, so no extension is needed; and terms that are found cost nothing here.
_SEARCH: Final = text(
    """
    WITH asked AS MATERIALIZED (
        SELECT n, words, to_tsquery('english', words) AS query
        FROM unnest(cast(:words AS text[])) WITH ORDINALITY AS given (words, n)
    ),
    known AS MATERIALIZED (
        SELECT id, kind, position, search FROM knowledge_entries WHERE client_id = :client_id AND enabled
    ),
    exact AS MATERIALIZED (
        SELECT known.id, n, least(1, ts_rank_cd('{0.1, 0.45, 0.9, 1}', search, query)) AS strength
        FROM asked JOIN known ON search @@ query
    ),
    unknown AS MATERIALIZED (
        SELECT n, term FROM asked, unnest(tsvector_to_array(to_tsvector('english', words))) AS term
        WHERE length(words) >= 5 AND length(term) >= 3 AND n NOT IN (SELECT n FROM exact)
    ),
    meant AS MATERIALIZED (
        SELECT DISTINCT n, lexeme
        FROM unknown JOIN (
                SELECT DISTINCT lexeme FROM known, unnest(search)
                WHERE EXISTS (SELECT FROM unknown)
                    AND left(lexeme, 1) IN (SELECT left(term, 1) FROM unknown) AND length(lexeme) >= 4
            ) AS vocabulary ON left(lexeme, 1) = left(term, 1),
            LATERAL (
                SELECT greatest(length(term), length(lexeme)) AS longest,
                    count(*) FILTER (WHERE left(term, i) = left(lexeme, i)) AS beginning,
                    count(*) FILTER (WHERE right(term, i) = right(lexeme, i)) AS ending
                FROM generate_series(1, least(length(term), length(lexeme))) AS i
            ) AS common
        WHERE (beginning = length(lexeme) AND beginning >= 5)
            OR beginning + ending >= longest - CASE WHEN longest >= 8 THEN 2 ELSE 1 END
            OR (length(term) = length(lexeme) AND beginning + ending = longest - 2
                AND substr(term, beginning::int + 1, 2) = reverse(substr(lexeme, beginning::int + 1, 2)))
    ),
    found AS MATERIALIZED (
        SELECT id, n, strength FROM exact
        UNION ALL
        SELECT known.id, n, max(0.9 * least(1, ts_rank_cd('{0.1, 0.45, 0.9, 1}', search, query)))
        FROM meant, LATERAL plainto_tsquery('simple', lexeme) AS query JOIN known ON search @@ query
        GROUP BY known.id, n
    ),
    ranked AS (
        SELECT known.id, position, array_remove(array_agg(n - 1), NULL) AS places,
            array_remove(array_agg(strength), NULL) AS strengths, coalesce(sum(strength), 0) AS rank
        FROM known LEFT JOIN found ON found.id = known.id
        WHERE found.n IS NOT NULL OR (:asks_hours AND kind = 'hours')
        GROUP BY known.id, position ORDER BY rank DESC, position LIMIT :candidates
    )
    SELECT id, kind, title, body, price, places, strengths, (SELECT count(*) FROM known) AS entries
    FROM ranked JOIN knowledge_entries USING (id) ORDER BY rank DESC, ranked.position
    """
)


def search_knowledge(
    session: Session, client_id: UUID, question: str, limit: int = 5, *, history: Sequence[Turn] = ()
) -> list[Passage]:
    """Return the passages that speak to a customer's text, best first; at most `limit`, none when nothing fits.

    The text may be of any length and content. `history` (oldest first, without the text itself) lets a short answer to
    our own question, or "how much is that?", be read together with what the customer had asked.
    """
    asked = read_question(question, earlier_text(history))
    if not asked.terms:
        return []
    rows = session.execute(
        _SEARCH,
        {
            "client_id": client_id,
            "words": [" | ".join(term.words) for term in asked.terms],
            "asks_hours": any(term.about in {"hours", "day"} for term in asked.terms),
            "candidates": MAX_CANDIDATES,
        },
    ).all()
    return _passages(asked, rows, limit)


def _passages(asked: Question, rows: Sequence[Row[Any]], limit: int) -> list[Passage]:
    hits = [
        Hit(
            row.id,
            is_hours=row.kind == "hours",
            has_price=row.price is not None,
            strengths=dict(zip(row.places, row.strengths, strict=True)),
        )
        for row in rows
    ]
    by_id = {row.id: row for row in rows}
    verdicts = judge(asked, hits, rows[0].entries if rows else 0)
    # What answers a part comes first, so that a second question's answer is not crowded out by the first's also-rans.
    kept = sorted(verdicts, key=lambda verdict: not verdict.answers)[:limit]
    return [
        Passage(
            entry_id=verdict.entry_id,
            kind=by_id[verdict.entry_id].kind,
            title=by_id[verdict.entry_id].title,
            body=by_id[verdict.entry_id].body,
            price=by_id[verdict.entry_id].price,
            score=round(verdict.score, 4),
            answers=verdict.answers,
        )
        for verdict in sorted(kept, key=lambda verdict: -verdict.score)
    ]
