"""Probes tell the truth about each server, and nothing about how to get into it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest

from api.app import create_app
from domain.kernel.schema import SCHEMA_REVISION
from tests.api.conftest import ADMIN_TOKEN
from tests.support.app_client import AppClient

if TYPE_CHECKING:
    from config.settings import Settings
    from tests.api.conftest import MakeSettings
    from tests.support.databases import DatabaseUrls

pytestmark = pytest.mark.integration


def test_alive_needs_no_server(unconnected: MakeSettings) -> None:
    client = AppClient(create_app(unconnected()))
    assert client.get("/api/health").json() == {"status": "alive"}
    assert client.head("/api/health").status_code == 200


def test_ready_when_all_servers_answer(client: AppClient) -> None:
    answer = client.get("/api/health/ready")
    assert answer.status_code == 200
    assert answer.json() == {
        "status": "ready",
        "checks": {"database": "ok", "platform_database": "ok", "redis": "ok"},
    }


def test_not_ready_without_a_database(settings: Settings) -> None:
    url = "postgresql://gatehouse_app:hunter2@127.0.0.1:1/none"
    changed = settings.model_copy(update={"database_url": type(settings.database_url)(url)})
    answer = AppClient(create_app(changed)).get("/api/health/ready")
    assert answer.status_code == 503
    assert answer.json()["detail"] == "Not ready: database."
    assert answer.json()["checks"]["platform_database"] == "ok"
    assert "hunter2" not in answer.text
    assert "127.0.0.1" not in answer.text


def test_degraded_without_redis(settings: Settings) -> None:
    url = "redis://:hunter2@127.0.0.1:1/0"
    changed = settings.model_copy(update={"redis_url": type(settings.redis_url)(url)})
    answer = AppClient(create_app(changed)).get("/api/health/ready")
    assert answer.status_code == 200
    assert answer.json()["status"] == "degraded"
    assert answer.json()["checks"]["redis"] == "down (ConnectionError)"


def test_not_ready_on_an_older_schema(client: AppClient, database_urls: DatabaseUrls) -> None:
    with psycopg.connect(database_urls.superuser, autocommit=True) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0001'")
    answer = client.get("/api/health/ready")
    assert answer.status_code == 503
    assert answer.json()["checks"]["database"] == (
        f"The schema is at 0001, this release needs {SCHEMA_REVISION}. Run: gatehouse migrate"
    )


def test_not_ready_without_a_schema(
    unconnected: MakeSettings, empty_database_urls: DatabaseUrls, redis_url: str
) -> None:
    settings = unconnected(
        database_url=empty_database_urls.app, platform_database_url=empty_database_urls.platform, redis_url=redis_url
    )
    answer = AppClient(create_app(settings)).get("/api/health/ready")
    assert answer.json()["checks"]["database"] == "The database has no schema. Run: gatehouse migrate"


def test_operators_see_queues_and_workers(client: AppClient) -> None:
    assert client.get("/api/health/internal").status_code == 401
    answer = client.get("/api/health/internal", headers={"Authorization": f"Bearer {ADMIN_TOKEN}"})
    assert answer.status_code == 200
    shown = answer.json()
    assert shown["workers_alive"] == 0
    assert shown["last_errors"] == []
    assert {depth["state"] for depth in shown["queues"]} >= {"available", "executing", "dead"}
