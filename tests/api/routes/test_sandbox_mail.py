"""The sandbox mailbox: operators read what would have been sent, and a letter can do nothing but be read."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from api.app import create_app
from config.settings import Settings
from domain.delivery.ports import OutgoingEmail
from domain.kernel.database import Database
from domain.kernel.ids import new_id
from migrations.seeds import apply
from migrations.seeds.demo import CLIENT_ID, ORGANIZATION_ID
from providers.sandbox.email import SandboxEmail
from tests.api.conftest import ADMIN_TOKEN, MakeSettings
from tests.support.app_client import AppClient

if TYPE_CHECKING:
    from tests.support.databases import DatabaseUrls

pytestmark = pytest.mark.integration
ADMIN = {"authorization": f"Bearer {ADMIN_TOKEN}"}
PATH = "/dashboard/sandbox/mail"


@pytest.fixture
def settings(settings: Settings, database_urls: DatabaseUrls) -> Settings:
    """Give settings on a database with the demo tenant."""
    apply(database_urls.platform, "demo")
    return settings


@pytest.fixture
def letter(settings: Settings) -> UUID:
    """Send a letter whose every part is hostile, and return its attempt."""
    email = OutgoingEmail(
        attempt_id=new_id(),
        org_id=ORGANIZATION_ID,
        client_id=CLIENT_ID,
        to="owner@harbor-plumbing.example",
        subject="<script>alert(1)</script>",
        body="<b>text</b>",
        html_body="<script>alert(2)</script><p>Please call.</p>",
        headers={"List-Unsubscribe": "<https://gatehouse.test/unsubscribe/x>"},
    )
    with closing(Database(settings.postgres_url("app"), settings.postgres_url("platform"))) as database:
        SandboxEmail(database).send(email)
    return email.attempt_id


def test_an_empty_mailbox_says_what_to_do(client: AppClient) -> None:
    answer = client.get(PATH, headers=ADMIN)
    assert answer.status_code == 200
    assert "None yet." in answer.text


def test_a_letter_is_listed_and_shown_escaped(client: AppClient, letter: UUID) -> None:
    listed = client.get(PATH, headers=ADMIN).text
    assert f'href="{PATH}/{letter}"' in listed
    shown = client.get(f"{PATH}/{letter}", headers=ADMIN).text
    for page in (listed, shown):
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
        assert "<script>alert" not in page
    assert "&lt;b&gt;text&lt;/b&gt;" in shown
    assert 'href="https://gatehouse.test/unsubscribe/x"' in shown
    assert f'src="{PATH}/{letter}/html" sandbox=""' in shown


def test_the_html_of_a_letter_can_do_nothing_but_be_seen(client: AppClient, letter: UUID) -> None:
    answer = client.get(f"{PATH}/{letter}/html", headers=ADMIN)
    assert "<p>Please call.</p>" in answer.text
    policy = answer.headers["content-security-policy"]
    assert policy == "sandbox; default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'"


@pytest.mark.parametrize("rest", ["", "/html"])
def test_what_is_not_there_is_not_shown(client: AppClient, rest: str) -> None:
    assert client.get(f"{PATH}/{new_id()}{rest}", headers=ADMIN).status_code == 404


@pytest.mark.parametrize("rest", ["", "/{letter}", "/{letter}/html"])
def test_only_operators_read_the_mail(client: AppClient, letter: UUID, rest: str) -> None:
    assert client.get(PATH + rest.format(letter=letter)).status_code == 401


@pytest.mark.parametrize(
    "rest", ["", "/01930000-0000-7000-8000-00000000ffff", "/01930000-0000-7000-8000-00000000ffff/html"]
)
def test_production_has_no_mailbox(unconnected: MakeSettings, rest: str) -> None:
    settings = unconnected(environment="production", public_url="https://gatehouse.test")
    with AppClient(create_app(settings)) as client:
        answer = client.get(PATH + rest, headers=ADMIN)
    assert (answer.status_code, "detail" in answer.json()) == (404, False)
