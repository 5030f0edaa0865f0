"""Whether an owner is alerted, as the administration API says it, and the test that shows it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import psycopg
import pytest

from api.app import create_app
from config.settings import Settings
from migrations.seeds import apply
from migrations.seeds.demo import CLIENT_ID
from tests.api.conftest import ADMIN_TOKEN
from tests.support.app_client import AppClient
from tests.support.hand_worker import HandWorker

if TYPE_CHECKING:
    from tests.support.databases import DatabaseUrls

pytestmark = pytest.mark.integration
OPERATOR = {"authorization": f"Bearer {ADMIN_TOKEN}"}
STATUS = f"/api/v1/clients/{CLIENT_ID}/notifications"
NOT_ALERTED = "Requests are saved but you won't be alerted."


@pytest.fixture
def client(settings: Settings, database_urls: DatabaseUrls) -> Iterator[AppClient]:
    apply(database_urls.platform, "demo")
    with AppClient(create_app(settings)) as client:
        yield client


@pytest.fixture
def database(database_urls: DatabaseUrls) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(database_urls.platform, autocommit=True) as connection:
        yield connection


@contextmanager
def working(settings: Settings) -> Iterator[None]:
    """Run sending jobs meanwhile."""
    stop = threading.Event()

    def work() -> None:
        with HandWorker(settings) as worker:
            while not stop.wait(0.05):
                worker.work("delivery.send")

    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(work)
        try:
            yield
        finally:
            stop.set()
            running.result(30)


def test_a_test_notification_arrives_and_the_status_says_so(client: AppClient, settings: Settings) -> None:
    before = client.get(STATUS, headers=OPERATOR).json()
    assert (before["reachable"], before["words"]) == (True, "You are alerted by text message.")
    with working(settings):
        answer = client.post(f"{STATUS}/test", headers=OPERATOR)

    assert answer.status_code == 200, answer.text
    assert (answer.json()["works"], answer.json()["words"]) == (True, "The test works.")
    (sent,) = answer.json()["sent"]
    assert sent["channel"] == "sms"
    sms, email = client.get(STATUS, headers=OPERATOR).json()["channels"]
    assert sms["last_success_at"] is not None
    assert (email["chosen"], email["last_success_at"]) == (False, None)


def test_a_test_whose_end_is_not_known_in_time_says_where_to_look(client: AppClient) -> None:
    answer = client.post(f"{STATUS}/test", params={"wait": 0}, headers=OPERATOR)

    assert (answer.status_code, answer.json()["works"]) == (202, None)
    assert answer.json()["words"].startswith("It is not known yet whether the test arrives. Look again at the status")
    assert answer.json()["sent"][0]["state"] == "pending"


def test_both_channels_are_tried(client: AppClient, settings: Settings, database: psycopg.Connection[Any]) -> None:
    database.execute("UPDATE client_settings SET notification_channel = 'both'")
    with working(settings):
        answer = client.post(f"{STATUS}/test", headers=OPERATOR).json()

    assert [one["channel"] for one in answer["sent"]] == ["sms", "email"]
    assert answer["works"] is True


@pytest.mark.parametrize(
    ("trouble", "reason"),
    [
        ("UPDATE client_settings SET notification_channel = 'none'", "Alerts are turned off"),
        ("UPDATE clients SET owner_phone = NULL, owner_email = NULL", "No mobile number of the owner is set."),
        ("UPDATE clients SET notifications_paused = true", "Notifications to the owner are paused"),
        ("UPDATE clients SET sms_number = NULL, owner_email = NULL", "The client has no number to text from."),
    ],
)
def test_a_test_that_can_not_be_sent_says_why(
    client: AppClient, database: psycopg.Connection[Any], trouble: str, reason: str
) -> None:
    database.execute(trouble)
    answer = client.post(f"{STATUS}/test", headers=OPERATOR)

    assert answer.status_code == 409
    assert answer.json()["detail"].startswith(f"{NOT_ALERTED} {reason}")
    status = client.get(STATUS, headers=OPERATOR).json()
    assert status["reachable"] is False
    assert status["words"].startswith(f"{NOT_ALERTED} {reason}")
    assert database.execute("SELECT count(*) FROM deliveries").fetchone() == (0,)
    assert database.execute("SELECT action FROM admin_audit_logs").fetchall() == [("notifications.test",)]


def test_unknown_clients_and_strangers_get_nothing(client: AppClient) -> None:
    unknown = f"/api/v1/clients/{uuid4()}/notifications"
    assert client.get(unknown, headers=OPERATOR).status_code == 404
    assert client.post(f"{unknown}/test", headers=OPERATOR).status_code == 404
    assert client.get(STATUS).status_code == 401
    assert client.post(f"{STATUS}/test").status_code == 401
