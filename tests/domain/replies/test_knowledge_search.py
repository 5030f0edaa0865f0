"""Searching a real knowledge base: whose rows, whatever the text."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text, update

from domain.kernel.database import Database
from domain.replies.models import KnowledgeEntry
from domain.replies.ports import Passage, Turn
from domain.replies.search import search_knowledge
from migrations.seeds import demo, test
from migrations.seeds.tenant import entry_id

pytestmark = pytest.mark.integration


def _search(knowledge: Database, question: str, *, limit: int = 5, history: list[Turn] | None = None) -> list[Passage]:
    with knowledge.tenant_scope(demo.ORGANIZATION_ID) as session:
        return search_knowledge(session, demo.CLIENT_ID, question, limit, history=history or [])


def _first(knowledge: Database, question: str) -> str | None:
    return next((passage.title for passage in _search(knowledge, question)), None)


def test_a_passage_is_the_entry_as_it_is_stored(knowledge: Database) -> None:
    passage = _search(knowledge, "sewer camera inspection")[0]
    entry = next(entry for entry in demo.TENANT.client.entries if entry.key == "sewer-camera")
    assert (passage.kind, passage.title, passage.body, passage.price) == (
        entry.kind,
        entry.title,
        entry.body,
        entry.price,
    )
    assert passage.entry_id == entry_id(demo.CLIENT_ID, "sewer-camera")
    assert passage.score == 1


@pytest.mark.parametrize(
    ("typed", "title"),
    [
        ("fuacet", "Faucet installation"),
        ("fauset", "Faucet installation"),
        ("facet", "Faucet installation"),
        ("faucets", "Faucet installation"),
        ("wrranty", "Is the work guaranteed?"),
        ("licenced", "Are you licensed and insured?"),
        ("insepction", "Sewer camera inspection"),
        ("tilet", "Toilet repair"),
        # Too short, or too far from any word, to be taken for another.
        ("roof", None),
        ("sinc", None),
        ("telescope", None),
    ],
)
def test_a_misspelt_word_finds_what_was_meant(knowledge: Database, typed: str, title: str | None) -> None:
    assert _first(knowledge, typed) == title


def test_a_misspelt_word_scores_less_than_the_right_one(knowledge: Database) -> None:
    assert _search(knowledge, "fuacet")[0].score < _search(knowledge, "faucet")[0].score


def test_at_most_the_limit_comes_back_with_an_answer_to_each_part_among_it(knowledge: Database) -> None:
    passages = _search(knowledge, "water heater tank repair? are you open on saturday?", limit=2)
    assert len(passages) == 2
    assert {part for passage in passages for part in passage.answers} == {0, 1}
    assert [passage.score for passage in passages] == sorted((passage.score for passage in passages), reverse=True)


def test_a_short_answer_is_read_with_the_question_before(knowledge: Database) -> None:
    history = [Turn("contact", "how much for a water heater"), Turn("us", "Do you mean repair or replacement?")]
    best = [p.title for p in _search(knowledge, "just fix it", history=history) if p.answers]
    assert best == ["Water heater repair"]
    assert len([p for p in _search(knowledge, "just fix it") if p.answers]) > 1


def test_nobody_reads_another_tenants_knowledge(knowledge: Database) -> None:
    with knowledge.tenant_scope(test.ORGANIZATION_ID) as session:
        assert search_knowledge(session, demo.CLIENT_ID, "drain cleaning") == []
        own = search_knowledge(session, test.CLIENT_ID, "furnace repair and drain cleaning")
        seen = {*session.scalars(select(KnowledgeEntry.id))}
    assert {passage.entry_id for passage in own} <= seen
    assert entry_id(demo.CLIENT_ID, "drain-cleaning") not in seen


def test_a_disabled_entry_is_not_found(knowledge: Database) -> None:
    change = update(KnowledgeEntry).where(KnowledgeEntry.id == entry_id(demo.CLIENT_ID, "discounts"))
    with knowledge.tenant_scope(demo.ORGANIZATION_ID) as session:
        session.execute(change.values(enabled=False))
    assert _first(knowledge, "senior discount") is None
    with knowledge.tenant_scope(demo.ORGANIZATION_ID) as session:
        session.execute(change.values(enabled=True))
    assert _first(knowledge, "senior discount") == "Do you have discounts?"


def test_the_model_matches_the_table(knowledge: Database) -> None:
    with knowledge.platform_scope() as session:
        columns = session.scalars(
            text("SELECT column_name FROM information_schema.columns WHERE table_name = 'knowledge_entries'")
        ).all()
    assert {*columns} == {*KnowledgeEntry.__table__.columns.keys()}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=1700) | st.lists(st.from_regex(r"\A\w{2,12}['\\:*&|!(<)-]?\Z"), max_size=40).map(" ".join))
@example("drain\x00 cleaning'; DROP TABLE knowledge_entries; --")
@example("'drain' & !(clean | ) <-> :* \\ \"\" E'\\\\' %s :words {}")
@example("💧🚿 drain 👨‍👩‍👧‍👦 \u202e\ud800\ufffe")
@example("drain " * 300)
@example("".join(f"word{number} " for number in range(250)))
@example("x" * 1600)
@example("ﷺ" * 1600)
@example("سعر تنظيف المجاري 价格是多少 सफाई İstanbul ß ǆ ²")
def test_no_text_breaks_the_search(knowledge: Database, question: str) -> None:
    history = [Turn("contact", question), Turn("us", "Which?")]
    for passage in _search(knowledge, question, history=history):
        assert 0 < passage.score <= 1


def test_hostile_characters_leave_the_words_between_them(knowledge: Database) -> None:
    assert _first(knowledge, "\x00'drain') | (:* & !cleaning\\") == "Drain cleaning"
