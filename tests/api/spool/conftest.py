"""An application whose database can be cut off, and Redis servers that keep what they are told, or do not."""

from __future__ import annotations

import gc
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID

import psycopg
import pytest
from pydantic import SecretStr

from api.app import create_app
from api.spool.standing import standings
from config.settings import Settings, Twilio
from migrations.seeds import apply
from tests.chaos.proxy import Network, Proxy
from tests.support.app_client import AppClient
from tests.support.eventually import eventually
from tests.support.private_redis import PrivateRedis
from tests.support.twilio_webhook import AUTH_TOKEN, encoded, signed, sms_form

if TYPE_CHECKING:
    import httpx

    from tests.support.databases import DatabaseUrls

NOWHERE = "redis://127.0.0.1:1/0"
Posted = dict[str, str]


@dataclass
class Edge:
    """The application with a cuttable way to its database, seen from both sides."""

    settings: Settings
    proxy: Proxy
    database: psycopg.Connection[Any]

    @contextmanager
    def serving(self) -> Iterator[AppClient]:
        with AppClient(create_app(self.settings)) as client:
            yield client

    def post(self, client: AppClient, body: str = "Hello", **fields: str) -> httpx.Response:
        form = sms_form(body, **fields)
        headers = signed(self.settings.public_url, form)
        return client.post("/webhooks/twilio/sms", content=encoded(form), headers=headers)

    def report(self, client: AppClient, attempt: UUID, status: str) -> httpx.Response:
        form, path = (
            {"MessageSid": f"SM{'c' * 32}", "MessageStatus": status},
            f"/webhooks/twilio/status?attempt={attempt}",
        )
        headers = signed(self.settings.public_url, form, path)
        return client.post(path, content=encoded(form), headers=headers)

    def kept(self) -> dict[str, int]:
        """Return how many entries each store holds."""
        found = standings(self.settings.data_dir / "spool", self.settings.redis_url.get_secret_value())
        return {standing.store: standing.entries for standing in found if standing.entries}

    def stored(self) -> list[tuple[str, str]]:
        """Return body and way of the texts in the order in which they were stored."""
        return self.database.execute("SELECT body, came_by FROM messages ORDER BY ctid").fetchall()

    def wait_stored(self, count: int) -> list[tuple[str, str]]:
        eventually(lambda: len(self.stored()) >= count, within=20, what=f"{count} texts")
        return self.stored()


@pytest.fixture
def edge(unconnected: Callable[..., Settings], database_urls: DatabaseUrls, tmp_path: Path) -> Iterator[Edge]:
    """Give the application on a database with the demo tenant, behind a proxy, without Redis."""
    apply(database_urls.platform, "demo")
    network = Network()
    proxy = Proxy(network, lambda: urlsplit(database_urls.app).port or 5432)

    def through(url: str) -> str:
        parts = urlsplit(url)
        return urlunsplit(parts._replace(netloc=f"{parts.username}:{parts.password}@127.0.0.1:{proxy.port}"))

    settings = unconnected(
        database_url=through(database_urls.app),
        platform_database_url=through(database_urls.platform),
        redis_url=NOWHERE,
        broker_url=NOWHERE,
        data_dir=tmp_path / "data",
        twilio=Twilio(account_sid=f"AC{'0' * 32}", auth_token=SecretStr(AUTH_TOKEN)),
    )
    with psycopg.connect(database_urls.platform, autocommit=True) as connection:
        yield Edge(settings, proxy, connection)
    proxy.set("refuse")
    network.close()
    # Here and not in a later test, which would be blamed for it (see test_spool.py).
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


@pytest.fixture
def durable_redis() -> Iterator[PrivateRedis]:
    """Give a Redis that keeps what it is told."""
    with PrivateRedis(durable=True) as server:
        yield server
