"""Which pages may use a bot's chat."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from api.app import create_app
from migrations.seeds import demo, test
from tests.api.widget.conftest import CHAT, CONFIG, ORIGIN, events_of, say
from tests.support.app_client import AppClient

if TYPE_CHECKING:
    import psycopg

    from config.settings import Settings

pytestmark = pytest.mark.integration
FOREIGN = "https://evil.example"
SUMMIT = f"/api/widget/config/{test.CLIENT_ID}/{test.BOT_ID}"


def test_an_allowed_page_may_read_the_answer(client: AppClient) -> None:
    for origin in (ORIGIN, "http://localhost:8000"):
        answer = client.get(CONFIG, headers={"Origin": origin})
        assert answer.status_code == 200
        assert answer.headers["access-control-allow-origin"] == origin
        assert "Origin" in answer.headers["vary"]
        assert "access-control-allow-credentials" not in answer.headers


def test_a_page_may_read_problems_as_well(client: AppClient) -> None:
    answer = client.post(CHAT, json={"text": ""}, headers={"Origin": ORIGIN})
    assert answer.status_code == 422
    assert answer.headers["access-control-allow-origin"] == ORIGIN


@pytest.mark.parametrize(
    "origin", [FOREIGN, "null", "http://127.0.0.1:8001", "https://127.0.0.1:8000", f"{ORIGIN}.evil.example"]
)
def test_a_foreign_page_gets_nothing(client: AppClient, database: psycopg.Connection[Any], origin: str) -> None:
    body = {"text": "Hello", "idempotency_key": str(uuid4())}
    conversation = say(client).json()
    headers = {"Origin": origin}
    for answer in (
        client.get(CONFIG, headers=headers),
        client.post(CHAT, json=body, headers=headers),
        client.get(events_of(conversation) + "&wait=0", headers=headers),
        client.options(CHAT, headers=headers | {"Access-Control-Request-Method": "POST"}),
        client.options(f"/api/widget/events/{conversation['conversation_id']}", headers=headers),
    ):
        assert answer.status_code == 403
        assert "Origin" in answer.headers["vary"]
        assert not [name for name in answer.headers if name.startswith("access-control")]
    stored = database.execute("SELECT count(*) FROM messages").fetchone()
    assert stored == (1,)


def test_each_bot_has_its_own_pages(client: AppClient) -> None:
    assert client.get(SUMMIT, headers={"Origin": "https://summit-heating.example"}).status_code == 200
    assert client.get(CONFIG, headers={"Origin": "https://summit-heating.example"}).status_code == 403
    assert client.get(SUMMIT, headers={"Origin": ORIGIN}).status_code == 403


def test_a_preflight_says_what_may_be_sent(client: AppClient) -> None:
    conversation = say(client).json()
    for path in (CHAT, f"/api/widget/events/{conversation['conversation_id']}"):
        answer = client.options(path, headers={"Origin": ORIGIN, "Access-Control-Request-Method": "POST"})
        assert answer.status_code == 204
        assert answer.headers["access-control-allow-origin"] == ORIGIN
        assert "POST" in answer.headers["access-control-allow-methods"]
        assert "authorization" in answer.headers["access-control-allow-headers"]


def test_self_is_the_public_address(settings: Settings) -> None:
    public = settings.model_copy(update={"public_url": "https://texts.example.com"})
    with AppClient(create_app(public)) as client:
        assert client.get(CONFIG, headers={"Origin": "https://texts.example.com"}).status_code == 200
        assert client.get(CONFIG, headers={"Origin": "https://texts.example.com:8443"}).status_code == 403


def test_self_has_other_names_when_the_browser_vouches_for_it(
    client: AppClient, database: psycopg.Connection[Any]
) -> None:
    headers = {"Origin": "http://[::1]:8000", "Sec-Fetch-Site": "same-origin"}
    assert client.get(CONFIG, headers=headers).status_code == 200
    assert client.get(SUMMIT, headers=headers).status_code == 403
    assert client.get(CONFIG, headers=headers | {"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert database.execute("SELECT allowed_origins[1] FROM bots WHERE id = %s", [demo.BOT_ID]).fetchone() == ("self",)
