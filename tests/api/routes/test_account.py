"""The pages of an account: links of letters are used by their forms alone, and tell nobody what they hold."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from typing import TYPE_CHECKING
from uuid import UUID

import pytest
from structlog.testing import capture_logs

from api.app import create_app
from domain.access.tokens import issue_token
from domain.kernel.clock import SystemClock
from domain.kernel.database import Database
from domain.kernel.ids import PLATFORM_ORG_ID
from tests.api.conftest import ADMIN_TOKEN
from tests.support.app_client import AppClient
from tests.support.hand_worker import HandWorker
from tests.support.signing_in import PASSWORD, add_person, csrf_of, sign_in, sign_in_by_token

if TYPE_CHECKING:
    import httpx

    from config.settings import Settings
    from domain.access.models import TokenPurpose
    from tests.support.databases import DatabaseUrls

pytestmark = pytest.mark.integration
ANN = "ann@example.com"
NEW = "seven quiet herons wading"
ADMIN = {"authorization": f"Bearer {ADMIN_TOKEN}"}


@pytest.fixture
def ann(database_urls: DatabaseUrls) -> UUID:
    return add_person(database_urls.platform, ANN, ("workspace_viewer", PLATFORM_ORG_ID, None), name="Ann")


@pytest.fixture
def database(settings: Settings) -> Iterator[Database]:
    with closing(Database(settings.postgres_url("app"), settings.postgres_url("platform"))) as opened:
        yield opened


@pytest.mark.parametrize(
    ("purpose", "path"),
    [("invite", "/account/invite"), ("verify_email", "/account/verify"), ("reset_password", "/account/reset")],
)
def test_programs_that_follow_links_use_nothing_up(
    client: AppClient, database: Database, ann: UUID, purpose: TokenPurpose, path: str
) -> None:
    link = f"{path}/{token_for(database, ann, purpose)}"
    for _ in range(3):
        seen = client.get(link)
        assert (seen.status_code, seen.headers.get_list("referrer-policy")) == (200, ["strict-origin"])
        assert client.head(link).status_code in {200, 405}
    form = {"name": "Ann", "password": NEW, "again": NEW}
    assert submit(client, link, **form).status_code == 200
    assert submit(client, link, path="/account/reset", **form).status_code == 404
    assert client.get(link).status_code == 404


def test_a_form_of_another_site_uses_nothing_up(client: AppClient, database: Database, ann: UUID) -> None:
    link = f"/account/reset/{token_for(database, ann, 'reset_password')}"
    assert client.post(link, data={"password": NEW, "again": NEW}).status_code == 403
    assert client.get(link).status_code == 200


def test_a_token_reaches_no_log(client: AppClient, database: Database, ann: UUID) -> None:
    token = token_for(database, ann, "reset_password")
    with capture_logs() as logs:
        client.get(f"/account/reset/{token}")
        submit(client, f"/account/reset/{token}", password=NEW, again=NEW)
    assert token not in str(logs)
    assert "/account/reset/{token}" in {line.get("route") for line in logs}


@pytest.mark.parametrize("token", ["x", "x" * 200, "%ED%A0%80"])
def test_what_is_no_token_is_a_link_that_does_not_work(client: AppClient, token: str) -> None:
    assert client.get(f"/account/reset/{token}").status_code == 404
    assert submit(client, f"/account/reset/{token}", path="/account/reset", password=NEW, again=NEW).status_code == 404


@pytest.mark.usefixtures("ann")
def test_a_forgotten_password_is_set_by_a_letter(client: AppClient, settings: Settings) -> None:
    known = submit(client, "/account/reset", email=ANN)
    unknown = submit(client, "/account/reset", email="nobody@example.com")
    assert known.status_code == unknown.status_code == 200
    assert without_tokens(known.text) == without_tokens(unknown.text)
    (link,) = links(client, settings)
    assert "The two passwords differ." in submit(client, link, password=NEW, again=PASSWORD).text
    assert "at least 12 characters" in submit(client, link, password="short", again="short").text
    assert "is set" in submit(client, link, password=NEW, again=NEW).text
    assert sign_in(client, ANN, PASSWORD).status_code == 401
    assert sign_in(client, ANN, NEW).status_code == 303


@pytest.mark.usefixtures("ann")
def test_who_asks_again_and_again_gets_one_letter(client: AppClient, settings: Settings) -> None:
    for _ in range(3):
        submit(client, "/account/reset", email=ANN)
        assert len(links(client, settings)) == 1


@pytest.mark.usefixtures("ann")
def test_changing_the_password_keeps_this_browser_and_no_other(client: AppClient, settings: Settings) -> None:
    sign_in(client, ANN)
    form = {"present": PASSWORD, "new": NEW, "again": NEW}
    with AppClient(create_app(settings)) as other:
        sign_in(other, ANN)
        wrong = submit(client, "/account/password", path="/account", **(form | {"present": "wrong"}))
        assert "The present password is not right." in wrong.text
        assert other.get("/account").status_code == 200
        assert (
            submit(client, "/account/password", path="/account", **form).headers["location"].endswith("done=password")
        )
        assert (client.get("/account").status_code, other.get("/account").status_code) == (200, 401)


def test_an_account_belongs_to_whom_signed_in(client: AppClient) -> None:
    assert client.get("/account").status_code == 401
    sign_in_by_token(client, ADMIN_TOKEN)
    said = client.get("/account").text
    assert "You have no account" in said
    assert "gatehouse users create" in said
    assert '<a href="/">' in said
    assert submit(client, "/account/name", path="/account", name="Eve").status_code == 404


@pytest.mark.usefixtures("ann")
def test_a_borrowed_browser_sets_up_no_phone_of_its_own(client: AppClient) -> None:
    sign_in(client, ANN)
    refused = submit(client, "/account/second-factor", path="/account", password="wrong")
    assert (refused.status_code, "data:image/svg" in refused.text) == (422, False)
    begun = submit(client, "/account/second-factor", path="/account", password=PASSWORD)
    assert (begun.status_code, "data:image/svg" in begun.text) == (200, True)
    wrong = submit(client, "/account/second-factor/confirm", path="/account", code="000000")
    assert (wrong.status_code, "data:image/svg" in wrong.text) == (422, True)


@pytest.mark.usefixtures("ann")
def test_a_name_is_shown_as_it_was_written_and_runs_nothing(client: AppClient) -> None:
    sign_in(client, ANN)
    submit(client, "/account/name", path="/account", name="<script>alert(1)</script>")
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in client.get("/account").text


def token_for(database: Database, user_id: UUID, purpose: TokenPurpose) -> str:
    with database.platform_scope() as session:
        return issue_token(session, user_id, purpose, ANN, SystemClock().now())


def submit(client: httpx.Client, to: str, *, path: str | None = None, **form: str) -> httpx.Response:
    """Send a form with the token of the page that it stands on."""
    return client.post(to, data={**form, "csrf_token": csrf_of(client, path or to)})


def links(client: httpx.Client, settings: Settings) -> list[str]:
    """Have the letters sent, and return the paths of their links from the sandbox mailbox, the newest first."""
    with HandWorker(settings) as worker:
        worker.work()
    box = client.get("/dashboard/sandbox/mail", headers=ADMIN).text
    letters = dict.fromkeys(re.findall(r'href="(/dashboard/sandbox/mail/[0-9a-f-]{36})"', box))
    found = []
    for letter in letters:
        link = re.search(r"https?://[^/\s]+(/account/\S+)", client.get(letter, headers=ADMIN).text)
        found += [link.group(1).partition("<")[0]] if link else []
    return found


def without_tokens(text: str) -> str:
    """Return a page without what differs from one answer to the next."""
    return re.sub(r'(nonce|value|content)="[^"]*"', "", text)
