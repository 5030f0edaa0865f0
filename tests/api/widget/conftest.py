"""The demo tenant and a second one, an application that serves their chats, and the words of a visitor's browser."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import httpx
import psycopg
import pytest

from api.app import create_app
from config.settings import Settings
from migrations.seeds import apply
from migrations.seeds.demo import BOT_ID, CLIENT_ID
from tests.support.app_client import AppClient

if TYPE_CHECKING:
    from tests.support.databases import DatabaseUrls

ORIGIN = "http://127.0.0.1:8000"
CHAT = f"/api/widget/chat/{CLIENT_ID}/{BOT_ID}"
CONFIG = f"/api/widget/config/{CLIENT_ID}/{BOT_ID}"


@pytest.fixture
def settings(settings: Settings, database_urls: DatabaseUrls) -> Settings:
    """Name a database with two tenants."""
    apply(database_urls.platform, "test")
    return settings


@pytest.fixture
def client(settings: Settings) -> Iterator[AppClient]:
    """Give a client of the whole application on real servers."""
    with AppClient(create_app(settings)) as client:
        yield client


@pytest.fixture
def database(database_urls: DatabaseUrls) -> Iterator[psycopg.Connection[Any]]:
    """Look at the rows as the platform."""
    with psycopg.connect(database_urls.platform, autocommit=True) as connection:
        yield connection


def say(
    client: httpx.Client, text: str = "Do you fix boilers?", *, token: str | None = None, key: UUID | None = None
) -> httpx.Response:
    """Send a message as the chat page does."""
    body = {"text": text, "idempotency_key": str(key or uuid4())}
    return client.post(CHAT, json=body if token is None else body | {"conversation_token": token})


def events_of(conversation: dict[str, Any]) -> str:
    """Return the address of a conversation's events, with its token."""
    return f"/api/widget/events/{conversation['conversation_id']}?token={conversation['conversation_token']}"


def reply(database: psycopg.Connection[Any], conversation: dict[str, Any], text: str) -> str:
    """Store an answer of the business, as a worker does; return its id."""
    row = database.execute(
        "INSERT INTO messages (id, org_id, client_id, conversation_id, direction, channel, address, author, body,"
        " correlation_id) SELECT gen_random_uuid(), org_id, client_id, id, 'out', 'web', 'visitor', 'ai', %s,"
        " gen_random_uuid() FROM conversations WHERE id = %s RETURNING id::text",
        [text, conversation["conversation_id"]],
    ).fetchone()
    assert row is not None
    return str(row[0])
