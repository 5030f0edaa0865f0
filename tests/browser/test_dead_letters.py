"""A provider that refuses, from the customer's message to its delivery after all: everything by the pages."""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Page, expect

from migrations.seeds import apply
from tests.support.databases import Databases
from tests.support.running_house import RunningHouse
from tests.support.servers import Servers, broker_of, redis_database
from tests.support.twilio_api import Reject
from tests.support.twilio_double import TwilioDouble
from tests.support.twilio_webhook import AUTH_TOKEN, CUSTOMER, encoded, signed, sms_form

pytestmark = [pytest.mark.browser, pytest.mark.integration, pytest.mark.xdist_group("browser")]
QUESTION = "How much is a drain cleaning?"
STATUS = "/webhooks/twilio/status"


@pytest.fixture(scope="module")
def twilio() -> Iterator[TwilioDouble]:
    with TwilioDouble(auth_token=AUTH_TOKEN) as twilio:
        yield twilio


@pytest.fixture(scope="module")
def house(
    databases: Databases,
    servers: Servers,
    worker_id: str,
    tmp_path_factory: pytest.TempPathFactory,
    twilio: TwilioDouble,
) -> Iterator[RunningHouse]:
    """Give a house that sends through Twilio's double."""
    redis_url, directory = redis_database(servers.redis_url, worker_id), tmp_path_factory.mktemp("house")
    broker_url = redis_url if servers.broker_url is None else broker_of(servers.broker_url, worker_id)
    settings = {
        "GATEHOUSE_SMS_PROVIDER": "twilio",
        "GATEHOUSE_TWILIO__API_BASE_URL": twilio.url,
        "GATEHOUSE_WORKER_PROCESSES": "1",
    }
    with databases.migrated() as urls:
        apply(urls.platform, "demo")
        with RunningHouse(urls, redis_url, broker_url, directory, **settings) as house:
            yield house


def test_what_the_provider_refused_is_found_understood_and_run_again(
    operator: Page, house: RunningHouse, twilio: TwilioDouble
) -> None:
    heading = operator.get_by_role("heading", level=1)
    operator.goto("/dashboard/journeys")
    expect(operator.get_by_text("No message")).to_be_visible()
    twilio.will(Reject(21408, 403, "Permission to send an SMS has not been enabled for the region."))
    with httpx.Client(base_url=house.url, timeout=30) as client:
        assert house.post(client, sms_form(QUESTION)).status_code == 200

        # It comes in while the page is open, and its journey says why there was no reply.
        operator.get_by_role("link", name=QUESTION).click()
        expect(heading).to_contain_text("The reply did not get through")
        why = operator.get_by_role("region", name="Why did no reply arrive?")
        expect(why).to_contain_text("The account may not send to the recipient's region.")
        journey = operator.url
        operator.get_by_role("link", name="Open the dead letter").click()
        expect(heading).to_contain_text("delivery.send died")

        # Its cause, tried dry; the region is allowed now, because the double accepts what comes next.
        operator.get_by_role("link", name="Dead letters", exact=True).click()
        operator.get_by_role("link", name=re.compile("may not send to the recipient's region")).click()
        operator.get_by_role("link", name="Requeue all 1…").click()
        expect(operator.locator("#forecast")).to_contain_text("1 would run.")
        assert not [one for one in twilio.messages if one.to == CUSTOMER]
        operator.get_by_label("Reason, for the audit log").fill("The region is allowed now")
        operator.get_by_role("button", name="Requeue 1").click()
        expect(operator.get_by_text("Requeued: 1 of 1.")).to_be_visible()

        # Sent, and the receipt appears on the open page.
        operator.goto(journey)
        expect(heading).to_contain_text(re.compile(r"Answered after .+ s"))
        expect(operator.locator(".step.receipt")).to_have_count(0)
        (sent,) = [one for one in twilio.messages if one.to == CUSTOMER]
        form = {"MessageSid": sent.sid, "MessageStatus": "delivered", "AccountSid": f"AC{'0' * 32}"}
        told = client.post(STATUS, content=encoded(form), headers=signed(house.url, form, STATUS))
        assert told.is_success
        expect(operator.locator(".step.receipt")).to_contain_text("delivered")

    # A delivery's page tells the same: refused once, then taken.
    operator.locator(".step.delivery summary").first.click()
    operator.get_by_role("link", name="The delivery").first.click()
    expect(operator.get_by_role("heading", level=2, name="delivered")).to_be_visible()
    expect(operator.get_by_role("region", name="Tries")).to_contain_text("21408")
    operator.goto("/dashboard/dead-letters")
    expect(operator.get_by_text("Nothing waits here.")).to_be_visible()


def test_a_test_notification_says_at_once_what_became_of_it(operator: Page, twilio: TwilioDouble) -> None:
    operator.goto("/dashboard/notifications")
    operator.get_by_role("link", name="Harbor Plumbing").click()
    expect(operator.get_by_text("No test was sent yet.")).to_be_visible()
    before = len(twilio.messages)
    operator.get_by_role("button", name="Send test notification").click()
    expect(operator.locator(".said")).to_contain_text("The test")
    expect(operator.locator("#status")).to_contain_text("The provider has taken it.")
    assert len(twilio.messages) == before + 1
