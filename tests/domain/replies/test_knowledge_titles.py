"""One entry of a kind and title for each client: by one rule, also for those that are written at once."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.audit.record import Actor
from domain.kernel.database import Database
from domain.replies.entries import EntryChange, NewEntry, title_key
from domain.replies.errors import InvalidEntryError
from domain.replies.knowledge import add_entry, change_entry, list_entries
from domain.replies.transfer import bring_in, checked_entries
from migrations.seeds import apply
from migrations.seeds.demo import CLIENT_ID, ORGANIZATION_ID
from tests.support.databases import DatabaseUrls
from tests.support.waiting import until_one_waits

DANA = Actor("dana", "super_admin")
WRITTEN = "Öffnet ihr sonntags?"
SAME = "ÖFFNET IHR SONNTAGS?"


def in_ascii_capitals(text: str) -> str:
    return "".join(one.upper() if one.isascii() else one for one in text)


@given(st.text())
def test_what_the_database_calls_the_same_title_the_code_calls_the_same(title: str) -> None:
    assert title_key(in_ascii_capitals(title)) == title_key(title)


@pytest.mark.parametrize(
    ("title", "same"),
    [
        (WRITTEN, SAME),
        ("Straße", "STRASSE"),
        ("Caf\u00e9", "Cafe\u0301"),
        ("ΟΔΟΣ", "οδος"),
        ("\u0130stanbul", "i\u0307stanbul"),
    ],
)
def test_case_and_the_way_accents_are_stored_make_no_other_title(title: str, same: str) -> None:
    assert title_key(title) == title_key(same)
    with pytest.raises(InvalidEntryError, match="Entry 2: there is another faq"):
        checked_entries([faq(title), faq(same)])


def test_letters_that_look_alike_make_another_title() -> None:
    assert title_key("I") != title_key("\u0131")
    assert title_key("o") != title_key("ö")


def added(database: Database) -> object:
    with database.tenant_scope(ORGANIZATION_ID) as session:
        return add_entry(session, CLIENT_ID, faq(SAME), DANA)


def renamed(database: Database) -> object:
    with database.tenant_scope(ORGANIZATION_ID) as session:
        entry = list_entries(session, CLIENT_ID, kind="faq")[0]
        return change_entry(session, CLIENT_ID, entry.id, EntryChange(title=SAME), DANA)


@pytest.mark.integration
@pytest.mark.parametrize("write", [added, renamed], ids=["added", "renamed"])
def test_of_two_that_are_written_at_once_the_second_is_refused_in_words(
    database: Database, database_urls: DatabaseUrls, write: Callable[[Database], object]
) -> None:
    apply(database_urls.platform, "demo")
    with ThreadPoolExecutor(1) as other:
        with database.tenant_scope(ORGANIZATION_ID) as session:
            add_entry(session, CLIENT_ID, faq(WRITTEN), DANA)
            second = other.submit(write, database)
            until_one_waits(database_urls.superuser)
        with pytest.raises(InvalidEntryError, match="There is another faq of this title"):
            second.result(timeout=20)


@pytest.mark.integration
def test_a_document_that_is_brought_in_meanwhile_changes_the_entry_that_is_there_then(
    database: Database, database_urls: DatabaseUrls
) -> None:
    apply(database_urls.platform, "demo")

    def bring() -> int:
        with database.tenant_scope(ORGANIZATION_ID) as session:
            found = bring_in(session, CLIENT_ID, [faq(SAME)], DANA, replace=False, dry_run=False)
            return len(found.changed)

    with ThreadPoolExecutor(1) as other:
        with database.tenant_scope(ORGANIZATION_ID) as session:
            add_entry(session, CLIENT_ID, faq(WRITTEN), DANA)
            brought = other.submit(bring)
            until_one_waits(database_urls.superuser)
        assert brought.result(timeout=20) == 1
    with database.tenant_scope(ORGANIZATION_ID) as session:
        assert [one.title for one in list_entries(session, CLIENT_ID) if title_key(one.title) == title_key(SAME)] == [
            SAME
        ]


def faq(title: str) -> NewEntry:
    return NewEntry("faq", title, "In emergencies, yes.")
