"""Ending e-mails: the link of a letter shows nobody whose it is, a visit changes nothing, one click ends them."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import closing
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.settings import Settings
from domain.delivery.unsubscribe import Subscriber, UnsubscribeLinks
from domain.kernel.ids import new_id
from migrations.seeds import apply
from migrations.seeds.demo import CLIENT_ID, ORGANIZATION_ID
from providers.registry import build_unsubscribe_links
from providers.unsubscribe_links import SealedLinks
from tests.support.app_client import AppClient

if TYPE_CHECKING:
    from tests.support.databases import DatabaseUrls

pytestmark = pytest.mark.integration
ADDRESS = "owner@harbor-plumbing.example"
SUBSCRIBER = Subscriber(ORGANIZATION_ID, CLIENT_ID, ADDRESS)
KEY = "secret-key-for-tests-0123456789-0123456789"


@pytest.fixture
def settings(settings: Settings, database_urls: DatabaseUrls) -> Settings:
    """Give settings on a database with the demo tenant."""
    apply(database_urls.platform, "demo")
    return settings


@pytest.fixture
def links(settings: Settings) -> UnsubscribeLinks:
    return build_unsubscribe_links(settings)


@pytest.fixture
def database(database_urls: DatabaseUrls) -> Iterator[psycopg.Connection[Any]]:
    with closing(psycopg.connect(database_urls.platform, autocommit=True)) as connection:
        yield connection


def path(links: UnsubscribeLinks, subscriber: Subscriber = SUBSCRIBER) -> str:
    return links.url(subscriber).removeprefix("http://127.0.0.1:8000")


def suppressed(database: psycopg.Connection[Any]) -> list[tuple[Any, ...]]:
    return database.execute("SELECT channel, address, source FROM opt_outs").fetchall()


def test_a_visit_asks_and_changes_nothing(
    client: AppClient, links: UnsubscribeLinks, database: psycopg.Connection[Any]
) -> None:
    answer = client.get(path(links))
    assert answer.status_code == 200
    assert "Harbor Plumbing will not write to your address any more." in answer.text
    assert ADDRESS not in answer.text
    assert answer.headers["x-robots-tag"] == "noindex"
    assert suppressed(database) == []


def test_one_click_of_a_mail_program_ends_the_emails(
    client: AppClient, links: UnsubscribeLinks, database: psycopg.Connection[Any]
) -> None:
    for _ in range(2):
        answer = client.post(path(links), data={"List-Unsubscribe": "One-Click"})
        assert (answer.status_code, answer.is_redirect) == (200, False)
        assert "does not write to your address any more" in answer.text
    assert suppressed(database) == [("email", ADDRESS, "unsubscribe")]
    assert "That was the last one" in client.get(path(links)).text


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_what_is_no_link_of_ours_says_so_and_changes_nothing(
    client: AppClient, links: UnsubscribeLinks, database: psycopg.Connection[Any], method: str
) -> None:
    good = path(links)
    gone = path(links, Subscriber(ORGANIZATION_ID, new_id(), ADDRESS))
    foreign = path(
        SealedLinks(
            "http://127.0.0.1:8000",
            "another-secret-key-0123456789-0123456789",
        )
    )
    for link in (good[:-4], good.replace("unsubscribe/g", "unsubscribe/h"), gone, foreign, "/unsubscribe/x"):
        answer = client.request(method, link)
        assert answer.status_code == 404
        assert "This link does not work" in answer.text
    assert suppressed(database) == []


@pytest.mark.parametrize("address", ["a@b.example", "ab@b.example", "abc@b.example", "abcdefghijklmnopqrst@b.example"])
def test_a_link_is_read_back_however_long_the_address_is(address: str) -> None:
    links = SealedLinks("https://gatehouse.test", KEY)
    subscriber = Subscriber(new_id(), new_id(), address)
    token = links.url(subscriber).removeprefix("https://gatehouse.test/unsubscribe/")
    assert "=" not in token
    assert links.read(token) == subscriber


def test_a_link_gives_nothing_away_and_fits_a_header() -> None:
    subscriber = Subscriber(new_id(), new_id(), "a" * 64 + "@" + "b" * 185 + ".com")
    url = SealedLinks("https://gatehouse.test", KEY).url(subscriber)
    raw = base64.urlsafe_b64decode(url.rpartition("/")[2] + "===")
    assert b"aaaa" not in raw
    assert subscriber.client_id.bytes not in raw
    assert len(url) < 700


def test_a_link_outlives_its_key_while_the_old_one_is_named() -> None:
    url = SealedLinks("https://gatehouse.test", KEY).url(SUBSCRIBER)
    token = url.rpartition("/")[2]
    new = "a-newer-secret-key-0123456789-0123456789"
    assert SealedLinks("https://gatehouse.test", new, KEY).read(token) == SUBSCRIBER
    assert SealedLinks("https://gatehouse.test", new).read(token) is None


@given(st.text() | st.from_regex(r"[A-Za-z0-9_=-]{1,200}", fullmatch=True))
def test_no_token_but_ours_is_read(token: str) -> None:
    assert SealedLinks("https://gatehouse.test", KEY).read(token) is None
