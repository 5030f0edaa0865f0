"""Who gets at the operators' side with the admin token as a bearer."""

from __future__ import annotations

import pytest

from api.app import create_app
from config.settings import Settings
from tests.api.conftest import ADMIN_TOKEN
from tests.support.app_client import AppClient

pytestmark = pytest.mark.integration
PATH = "/api/v1/queues"


@pytest.mark.parametrize(
    ("authorization", "status"),
    [
        (f"Bearer {ADMIN_TOKEN}", 200),
        (f"bearer {ADMIN_TOKEN}", 200),
        (f"Bearer {ADMIN_TOKEN}x", 401),
        (f"Bearer {ADMIN_TOKEN[:-1]}", 401),
        (f"Basic {ADMIN_TOKEN}", 401),
        ("Bearer", 401),
        ("Bearer ümlaut", 401),
        (None, 401),
    ],
)
def test_the_bearer_token_opens(client: AppClient, authorization: str | None, status: int) -> None:
    headers = [(b"authorization", authorization.encode())] if authorization else []
    answer = client.get(PATH, headers=headers)
    assert answer.status_code == status
    if status == 401:
        assert answer.headers["www-authenticate"].startswith("Bearer")
        assert ADMIN_TOKEN[:-1] not in answer.text


@pytest.mark.parametrize("environment", ["production", "development", "test"])
def test_without_a_token_set_it_opens_nothing(settings: Settings, environment: str) -> None:
    with AppClient(create_app(settings.model_copy(update={"admin_token": None, "environment": environment}))) as client:
        for token in ("None", "", ADMIN_TOKEN):
            assert client.get(PATH, headers={"Authorization": f"Bearer {token}"}).status_code in {401, 421}


def test_https_is_remembered_where_there_is_https(settings: Settings) -> None:
    app = create_app(settings.model_copy(update={"public_url": "https://texts.example.com"}))
    with AppClient(app, base_url="https://texts.example.com") as client:
        assert client.get("/sign-in").headers["strict-transport-security"] == "max-age=31536000"
