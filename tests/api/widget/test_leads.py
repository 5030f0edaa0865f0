"""The form by which a visitor leaves a number: what it accepts, from which pages, how often, and what it says."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest

from config.settings import Settings
from migrations.seeds.demo import BOT_ID, CLIENT_ID
from tests.api.conftest import ADMIN_TOKEN
from tests.api.widget.conftest import ORIGIN, say
from tests.support.app_client import AppClient

pytestmark = pytest.mark.integration
LEADS = f"/api/widget/leads/{CLIENT_ID}/{BOT_ID}"


def leave(client: httpx.Client, **fields: object) -> httpx.Response:
    """Send the form as the chat page does."""
    return client.post(LEADS, json={"phone": "212 555 0142", "idempotency_key": str(uuid4())} | fields)


def test_a_number_is_taken_down_and_found_by_operators(client: AppClient) -> None:
    answer = leave(client, name="Ann", message="My boiler is cold")

    assert answer.status_code == 201
    operator = {"authorization": f"Bearer {ADMIN_TOKEN}"}
    found = client.get("/api/v1/leads", params={"client": str(CLIENT_ID)}, headers=operator).json()
    (lead,) = found["items"]
    assert (lead["id"], lead["name"], lead["phone"]) == (answer.json()["lead_id"], "Ann", "+12125550142")
    assert found["next"] is None
    assert client.get("/api/v1/leads").status_code == 401


def test_a_repeat_gets_the_same_answer(client: AppClient, database: psycopg.Connection[Any]) -> None:
    key = str(uuid4())
    first, second = (leave(client, idempotency_key=key) for _ in range(2))

    assert first.json() == second.json()
    assert leave(client, idempotency_key=key, name="Bob").status_code == 409
    assert database.execute("SELECT count(*) FROM leads").fetchone() == (1,)


def test_it_says_what_is_wrong(client: AppClient) -> None:
    for fields, words in (
        ({"phone": ""}, "Leave a telephone number or an e-mail address"),
        ({"phone": "12"}, "not a telephone number that can be called"),
        ({"email": "ann"}, "not an e-mail address"),
    ):
        answer = leave(client, **fields)
        assert answer.status_code == 422
        assert words in answer.json()["detail"]
    assert leave(client, phone="1" * 201).status_code == 422
    assert leave(client, surprise="x").status_code == 422
    assert leave(client, idempotency_key="1").status_code == 422


def test_it_belongs_to_the_conversation_whose_token_it_brings(
    client: AppClient, database: psycopg.Connection[Any]
) -> None:
    conversation = say(client).json()
    assert leave(client, conversation_token=conversation["conversation_token"]).status_code == 201
    assert leave(client, conversation_token="forged").status_code == 403

    row = database.execute("SELECT conversation_id::text FROM leads").fetchone()
    assert row == (conversation["conversation_id"],)


def test_only_pages_that_the_bot_knows_may_leave_one(client: AppClient) -> None:
    key = {"phone": "212 555 0142", "idempotency_key": str(uuid4())}
    ours = client.post(LEADS, json=key, headers={"origin": ORIGIN})
    assert (ours.status_code, ours.headers["access-control-allow-origin"]) == (201, ORIGIN)
    theirs = client.post(LEADS, json=key, headers={"origin": "https://evil.example"})
    assert (theirs.status_code, "access-control-allow-origin" in theirs.headers) == (403, False)
    preflight = client.options(LEADS, headers={"origin": ORIGIN, "access-control-request-method": "POST"})
    assert preflight.status_code == 204
    assert client.post(f"/api/widget/leads/{CLIENT_ID}/{uuid4()}", json=key).status_code == 404


def test_too_many_are_refused(client: AppClient) -> None:
    answers = [leave(client).status_code for _ in range(61)]
    assert set(answers[:60]) == {201}
    assert answers[60] == 429


def test_nobody_learns_the_number_from_the_logs(
    client: AppClient, settings: Settings, capfd: pytest.CaptureFixture[str]
) -> None:
    assert settings.log_format == "json"
    leave(client, name="Ann Unusual")
    written = "".join(capfd.readouterr())
    assert "5550142" not in written
    assert "Unusual" not in written
