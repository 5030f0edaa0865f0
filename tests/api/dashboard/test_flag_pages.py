"""The pages of flags and settings: what is in force, changed with a reason, for some alone, and put back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest

from migrations.seeds import apply
from migrations.seeds.demo import CLIENT_ID, ORGANIZATION_ID
from tests.api.conftest import ADMIN_TOKEN
from tests.support.signing_in import add_person, csrf_of, sign_in, sign_in_by_token

if TYPE_CHECKING:
    import httpx

    from tests.support.app_client import AppClient
    from tests.support.databases import DatabaseUrls

pytestmark = pytest.mark.integration
HTML = {"Accept": "text/html"}
FLAGS = "/dashboard/flags"
MINUTES = "conversations.takeover_minutes"
FLAG = f"{FLAGS}/{MINUTES}"
_STORED = b"SELECT default_value, version FROM flags WHERE key = 'conversations.takeover_minutes'"


@pytest.fixture
def urls(database_urls: DatabaseUrls, client: AppClient) -> DatabaseUrls:
    """Give a database with an organization, and have the client signed in with the admin token."""
    apply(database_urls.platform, "demo")
    sign_in_by_token(client, ADMIN_TOKEN)
    client.headers.update(HTML)
    return database_urls


def _see(client: AppClient, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    return answer.text


def _post(client: AppClient, path: str, **fields: object) -> httpx.Response:
    """Send a form of the setting's page, with its token."""
    sent = {name: str(value) for name, value in fields.items()}
    return client.post(f"{FLAG}/{path}", data={"csrf_token": csrf_of(client, FLAG)} | sent)


def _stored(urls: DatabaseUrls) -> tuple[object, ...]:
    with psycopg.connect(urls.superuser) as connection:
        return connection.execute(_STORED).fetchall()[0]


def test_everything_that_can_be_changed_is_listed_by_kind(client: AppClient, urls: DatabaseUrls) -> None:
    del urls
    page = _see(client, FLAGS)
    assert page.index("Kill switches") < page.index("platform.outbound_stopped") < page.index("Settings")
    assert page.index("Settings") < page.index(MINUTES)


def test_a_setting_is_changed_and_put_back_with_a_reason(client: AppClient, urls: DatabaseUrls) -> None:
    value, version = _stored(urls)
    assert _post(client, "value", value=30, version=version).status_code == 422
    assert _post(client, "value", value=30, version=version, reason="They answer fast").status_code == 303
    assert _stored(urls) == (30, 2)
    page = _see(client, FLAG)
    assert "They answer fast" in page
    assert "default: 60" in page
    assert _post(client, "revert", to=1, version=2, reason="They do not").status_code == 303
    assert _stored(urls) == (value, 3)


@pytest.mark.parametrize("value", ["soon", "0", "1.5", "true", "[]"])
def test_a_value_that_does_not_fit_is_refused_in_words(client: AppClient, urls: DatabaseUrls, value: str) -> None:
    before = _stored(urls)
    answer = _post(client, "value", value=value, version=1, reason="x")
    assert answer.status_code == 422
    assert "has to be" in answer.text
    assert _stored(urls) == before


def test_two_who_change_it_at_once_do_not_overwrite_each_other(client: AppClient, urls: DatabaseUrls) -> None:
    assert _post(client, "value", value=30, version=1, reason="one").status_code == 303
    assert _post(client, "value", value=40, version=1, reason="other").status_code == 409
    assert _stored(urls) == (30, 2)


def test_a_client_gets_another_value_until_it_is_removed(client: AppClient, urls: DatabaseUrls) -> None:
    del urls
    sent = {"whom": f"client:{CLIENT_ID}", "value": 5, "version": 1, "reason": "One person answers"}
    assert _post(client, "targets", **sent).status_code == 303
    page = _see(client, FLAG)
    assert '<th scope="row">Harbor Plumbing' in page
    position = page.split('name="position" value="')[1].split('"')[0]
    assert _post(client, "targets/remove", position=position, version=2, reason="Over").status_code == 303
    assert "Everybody gets the same." in _see(client, FLAG)
    assert _post(client, "targets", **sent | {"whom": "nobody", "version": 3}).status_code == 422


def test_who_does_not_run_the_platform_sees_no_flag(client: AppClient, urls: DatabaseUrls) -> None:
    before = _stored(urls)
    add_person(urls.platform, "vi@example.com", ("workspace_admin", ORGANIZATION_ID, CLIENT_ID))
    client.cookies.clear()
    sign_in(client, "vi@example.com")
    assert client.get(FLAGS).status_code == 403
    token = csrf_of(client, f"/dashboard/clients/{CLIENT_ID}")
    answer = client.post(f"{FLAG}/value", data={"csrf_token": token, "value": "1", "version": "1", "reason": "x"})
    assert answer.status_code == 403
    assert _stored(urls) == before
