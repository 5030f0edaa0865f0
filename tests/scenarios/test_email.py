"""An owner's alert by e-mail through the running roles and SES's wire, and its end by one click."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import psycopg
import pytest

from migrations.seeds import apply
from migrations.seeds.demo import CLIENT_ID
from tests.support.aws import REGION
from tests.support.eventually import eventually
from tests.support.running_house import ADMIN_TOKEN, RunningHouse
from tests.support.ses_double import SesDouble
from tests.support.twilio_webhook import sms_form

if TYPE_CHECKING:
    from tests.support.databases import DatabaseUrls

pytestmark = [pytest.mark.scenario, pytest.mark.integration]
STATUS = f"/api/v1/clients/{CLIENT_ID}/notifications"


@pytest.fixture
def ses() -> Iterator[SesDouble]:
    with SesDouble(max_send_rate=14.0) as double:
        yield double


@pytest.fixture
def house(
    database_urls: DatabaseUrls, redis_url: str, broker_url: str, tmp_path: Path, ses: SesDouble
) -> Iterator[RunningHouse]:
    """Run the house on the demo tenant, whose owner wants e-mail, sending it through the double."""
    apply(database_urls.platform, "demo")
    with psycopg.connect(database_urls.platform, autocommit=True) as connection:
        connection.execute("UPDATE client_settings SET notification_channel = 'email'")
        # Every customer then waits for a person, of which the owner is told, and by nothing but e-mail.
        connection.execute("UPDATE clients SET ai_disabled = true, owner_phone = NULL")
    settings = {
        "GATEHOUSE_EMAIL_PROVIDER": "ses",
        "GATEHOUSE_SES__FROM_ADDRESS": "alerts@gatehouse.test",
        "GATEHOUSE_WORKER_PROCESSES": "1",
        "AWS_ENDPOINT_URL": ses.url,
        "AWS_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    with RunningHouse(database_urls, redis_url, broker_url, tmp_path, **settings) as running:
        yield running


@pytest.fixture
def admin(house: RunningHouse) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
    with httpx.Client(base_url=house.url, timeout=30, headers=headers) as client:
        yield client


def test_an_owner_is_alerted_by_email_until_one_click_ends_it(
    house: RunningHouse, admin: httpx.Client, ses: SesDouble
) -> None:
    house.post(admin, sms_form(Body="My sink leaks", MessageSid=f"SM{1:032}"))
    eventually(lambda: ses.emails, within=40, what="The alert")
    assert "My sink leaks" in ses.emails[0]["Content"]["Simple"]["Body"]["Text"]["Data"]
    assert ses.emails[0]["EmailTags"][0]["Name"] == "gatehouse-attempt"

    test = admin.post(f"{STATUS}/test").json()
    assert [(one["channel"], one["state"]) for one in test["sent"]] == [("email", "accepted")]
    assert "test notification" in subject(ses.emails[1])

    link = unsubscribe_link(ses.emails[0])
    answer = httpx.post(link, data={"List-Unsubscribe": "One-Click"})
    assert (answer.status_code, "does not write to your address any more" in answer.text) == (200, True)

    status = admin.get(STATUS).json()
    assert status["reachable"] is False
    assert "you won't be alerted" in status["words"]
    assert admin.post(f"{STATUS}/test").status_code == 409
    assert len(ses.emails) == 2


def subject(email: dict[str, Any]) -> str:
    return str(email["Content"]["Simple"]["Subject"]["Data"])


def unsubscribe_link(email: dict[str, Any]) -> str:
    headers = {header["Name"]: header["Value"] for header in email["Content"]["Simple"]["Headers"]}
    assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    return str(headers["List-Unsubscribe"]).strip("<>")
