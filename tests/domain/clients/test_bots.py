"""Bots stand on the pages that they were given, and on no other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast
from urllib.parse import urlsplit
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.clients.bots import (
    MOST_BOTS,
    MOST_ORIGINS,
    BotNotFoundError,
    GivenBot,
    TooManyBotsError,
    change_bot,
    create_bot,
    get_bot,
    list_bots,
)
from domain.clients.errors import ChangedMeanwhileError, UnfitClientError
from domain.clients.origins import fit_origin
from domain.kernel.database import Database
from domain.kernel.errors import InvalidInputError
from tests.domain.clients.acts import DANA, actions
from tests.domain.clients.rows import add_client, add_organization


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("self", "self"),
        ("https://www.example.com", "https://www.example.com"),
        (" HTTPS://WWW.Example.COM:443/ ", "https://www.example.com"),
        ("https://example.com:8443", "https://example.com:8443"),
        ("https://bücher.example", "https://xn--bcher-kva.example"),
        ("http://localhost:8000", "http://localhost:8000"),
        ("http://127.0.0.1", "http://127.0.0.1"),
        ("http://[::1]:8000", "http://[::1]:8000"),
    ],
)
def test_an_origin_is_kept_as_a_browser_sends_it(text: str, origin: str) -> None:
    assert fit_origin(text) == origin == fit_origin(origin)


@pytest.mark.parametrize(
    "text",
    [
        *("", "*", "null", "example.com", "//example.com", "https://", "https:///", "ftp://example.com"),
        *("http://example.com", "https://example.com/chat", "https://example.com?x", "https://example.com#x"),
        *("https://user@example.com", "https://exa mple.com", "https://example.com:0", "https://example.com:x"),
        *("https://example..com", "https://exam\\ple.com", "https://*.example.com", "https://[::1", "javascript:x"),
        "https://" + "a" * 300 + ".example",
    ],
)
def test_what_is_no_origin_or_can_be_changed_on_the_way_is_refused(text: str) -> None:
    with pytest.raises(UnfitClientError):
        fit_origin(text)


@given(st.text(max_size=40).map(lambda text: f"https://{text}") | st.text(max_size=40))
def test_whatever_is_accepted_is_an_origin_and_nothing_more(text: str) -> None:
    try:
        origin = fit_origin(text)
    except UnfitClientError:
        return
    parts = urlsplit(origin)
    assert origin == "self" or (parts.path, parts.query, parts.fragment, parts.username) == ("", "", "", None)
    assert origin.isascii()
    assert fit_origin(origin) == origin


@pytest.fixture
def org_id(database: Database) -> UUID:
    return add_organization(database)


@pytest.fixture
def client_id(database: Database, org_id: UUID) -> UUID:
    return add_client(database, org_id)


@pytest.mark.integration
def test_a_bot_is_created_and_changed_on_record(database: Database, org_id: UUID, client_id: UUID) -> None:
    with database.tenant_scope(org_id) as session:
        bot = create_bot(session, client_id, {"name": "Harbor", "allowed_origins": ["https://A.example/"]}, DANA)
        assert (bot.greeting, bot.accent_color, bot.enabled) == ("", "#0b5fff", True)
        assert bot.allowed_origins == ["https://a.example"]
        read = bot.updated_at
    with database.tenant_scope(org_id) as session:
        given: GivenBot = {"accent_color": "#FF0000", "enabled": False, "greeting": "Hi"}
        changed = change_bot(session, client_id, bot.id, given, DANA, version=read)
        assert (changed.accent_color, changed.enabled, changed.name) == ("#ff0000", False, "Harbor")
    with database.tenant_scope(org_id) as session:
        with pytest.raises(ChangedMeanwhileError):
            change_bot(session, client_id, bot.id, {"name": "Late"}, DANA, version=read)
        assert [one.id for one in list_bots(session, client_id)] == [bot.id]
    assert [action for _, action in actions(database, client_id)] == ["bot.created", "bot.changed"]


@pytest.mark.integration
def test_what_no_bot_can_be_is_refused(database: Database, org_id: UUID, client_id: UUID) -> None:
    unfit: list[dict[str, Any]] = [
        {},
        {"name": " "},
        {"name": "a", "accent_color": "red"},
        {"name": "a", "greeting": "\x00"},
        {"name": "a", "allowed_origins": [f"https://{n}.example" for n in range(MOST_ORIGINS + 1)]},
    ]
    for bot in unfit:
        with database.tenant_scope(org_id) as session, pytest.raises(InvalidInputError):
            create_bot(session, client_id, cast("GivenBot", bot), DANA)


@pytest.mark.integration
def test_a_bot_is_one_client_s_alone_and_there_are_not_too_many(
    database: Database, org_id: UUID, client_id: UUID
) -> None:
    other = add_client(database, org_id, "other")
    with database.tenant_scope(org_id) as session:
        bots = [create_bot(session, client_id, {"name": f"Bot {n}"}, DANA) for n in range(MOST_BOTS)]
        with pytest.raises(TooManyBotsError):
            create_bot(session, client_id, {"name": "One more"}, DANA)
        refused: list[Callable[[], object]] = [
            lambda: get_bot(session, other, bots[0].id),
            lambda: change_bot(session, other, bots[0].id, {"name": "Mine"}, DANA),
        ]
        for act in refused:
            with pytest.raises(BotNotFoundError):
                act()
