"""What a running house reports of a job and a request that fail: where and whose, and nothing that anybody wrote."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from migrations.seeds import apply
from tests.support.databases import DatabaseUrls
from tests.support.eventually import eventually
from tests.support.running_house import ADMIN_TOKEN, RunningHouse
from tests.support.sentry_double import SentryDouble, sentry_double
from tests.support.twilio_webhook import AUTH_TOKEN, CUSTOMER, sms_form

pytestmark = [pytest.mark.integration, pytest.mark.scenario]

BODY = "What are your hours? My pipe burst, mail ann.secret@example.com"
NAME = "Ann Secret, +15005550777"
PRIVATE = (
    "pipe burst",
    "ann.secret",
    "Ann Secret",
    CUSTOMER[1:],
    "5550777",
    "5550006",
    ADMIN_TOKEN,
    AUTH_TOKEN,
    "secret-key-for-tests",
)


_REFUSE = """
    CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE check_violation USING MESSAGE = 'the row is refused', DETAIL = format('Failing row contains %s.', NEW);
    END $$;
    CREATE TRIGGER refuse BEFORE INSERT ON deliveries FOR EACH ROW EXECUTE FUNCTION refuse();
    CREATE TRIGGER refuse BEFORE INSERT ON organizations FOR EACH ROW EXECUTE FUNCTION refuse();
"""
"""Has the database refuse rows, and say so with the whole row."""


def _tagged(sentry: SentryDouble, **tags: str) -> dict[str, Any]:
    """Return the first event with these tags."""
    return next((event for event in sentry.events() if tags.items() <= event.get("tags", {}).items()), {})


def test_reports_name_release_tenant_and_message_and_show_nothing_private(
    database_urls: DatabaseUrls, redis_url: str, broker_url: str, tmp_path: Path
) -> None:
    apply(database_urls.platform, "demo")
    with (
        sentry_double() as sentry,
        RunningHouse(
            database_urls,
            redis_url,
            broker_url,
            tmp_path,
            GATEHOUSE_SENTRY_DSN=sentry.dsn,
            GATEHOUSE_WORKER_PROCESSES="1",
        ) as house,
        httpx.Client(base_url=house.url) as client,
    ):
        with psycopg.connect(database_urls.superuser, autocommit=True) as connection:
            connection.execute(_REFUSE)
        correlation_id = house.post(client, sms_form(BODY)).headers["x-correlation-id"]
        answer = client.post(
            "/api/v1/organizations?token=hunter2-in-the-query",
            headers={"Authorization": f"Bearer {ADMIN_TOKEN}", "X-Request-Id": "request-of-the-test"},
            json={"name": NAME, "slug": "ann-secret"},
        )
        assert answer.status_code == 500
        job = eventually(lambda: _tagged(sentry, role="worker", job_kind="conversations.process"), within=30)
        request = eventually(lambda: _tagged(sentry, role="api", route="/api/v1/organizations"), within=30)
        with psycopg.connect(database_urls.superuser) as connection:
            row = connection.execute("SELECT org_id FROM jobs WHERE correlation_id = %s", [correlation_id]).fetchone()

    assert row is not None
    assert job["tags"].items() >= {"tenant": str(row[0]), "correlation_id": correlation_id}.items()
    assert request["tags"].items() >= {"method": "POST", "request_id": "request-of-the-test"}.items()
    for event in (job, request):
        assert (event["release"], event["environment"]) == (version("gatehouse"), "test")
        assert event["exception"]["values"][-1]["type"] in {"IntegrityError", "CheckViolation"}
        assert "[row]" in str(event["exception"]), "The row that the database refused was in it."
    everything = "\n".join(sentry.raw)
    for private in (*PRIVATE, "hunter2", "ann-secret"):
        assert private not in everything, private
