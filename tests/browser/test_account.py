"""A person's own account in a real browser: nothing on it is hard to use, and it works without scripts."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import psycopg
import pyotp
import pytest
from playwright.sync_api import Browser, Page, expect

from domain.kernel.ids import PLATFORM_ORG_ID, new_id
from migrations.seeds.demo import ORGANIZATION_ID
from tests.support.running_house import RunningHouse
from tests.support.signing_in import PASSWORD, add_person

pytestmark = [pytest.mark.browser, pytest.mark.integration, pytest.mark.xdist_group("browser")]
FINDINGS = (Path(__file__).parent / "findings.js").read_text()
NEW = "seven quiet herons wading"


def test_the_account_is_minded_without_scripts(browser: Browser, house: RunningHouse) -> None:
    email = f"{uuid4().hex}@example.com"
    add_person(house.urls.platform, email, ("super_admin", PLATFORM_ORG_ID, None), name="Ada")
    context = browser.new_context(base_url=house.url, java_script_enabled=False)
    page = context.new_page()
    page.goto("/account")
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()

    page.get_by_label("Present password").fill(PASSWORD)
    page.get_by_label("New password", exact=True).fill(NEW)
    page.get_by_label("New password again").fill(NEW)
    page.get_by_role("button", name="Change the password").click()
    expect(page.get_by_role("status")).to_have_text("Your password is changed. Everywhere else you are signed out.")

    page.locator("#factor-password").fill(NEW)
    page.get_by_role("button", name="Set it up").click()
    expect(page.get_by_role("img", name="QR code of the key below")).to_be_visible()
    secret = page.locator("code").inner_text()
    page.get_by_label("The code that the app shows now").fill(pyotp.TOTP(secret).now())
    page.get_by_role("button", name="Turn it on").click()
    expect(page.get_by_role("main").get_by_role("listitem")).to_have_count(10)
    page.get_by_role("link", name="I have kept them").click()
    expect(page.get_by_text("10 recovery codes left")).to_be_visible()
    context.close()


def test_nothing_on_the_pages_of_an_account_is_hard_to_use(page: Page, house: RunningHouse) -> None:
    email = f"{uuid4().hex}@example.com"
    add_person(house.urls.platform, email, ("super_admin", PLATFORM_ORG_ID, None), name="Ada")
    page.goto("/account/reset")
    assert page.evaluate(FINDINGS) == []
    page.goto("/account")
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Your account")).to_be_visible()
    assert page.evaluate(FINDINGS) == []
    page.locator("#factor-password").fill(PASSWORD)
    page.get_by_role("button", name="Set it up").click()
    expect(page.get_by_role("img", name="QR code of the key below")).to_be_visible()
    assert page.evaluate(FINDINGS) == []


def test_an_organization_is_chosen_by_keyboard_and_without_scripts(browser: Browser, house: RunningHouse) -> None:
    email, second = f"{uuid4().hex}@example.com", new_id()
    with psycopg.connect(house.urls.superuser) as connection:
        connection.execute(
            "INSERT INTO organizations (id, slug, name) VALUES (%s, %s, 'North Pier')", [second, f"n{second.hex[-20:]}"]
        )
    both = [("implementation_lead", org_id, None) for org_id in (ORGANIZATION_ID, second)]
    add_person(house.urls.platform, email, *both)
    with browser.new_context(base_url=house.url, java_script_enabled=False) as context:
        page = context.new_page()
        page.goto("/dashboard/journeys?number=nobody")
        page.get_by_label("E-mail address").fill(email)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("heading", name="Choose an organization")).to_be_visible()
        page.get_by_role("button", name="North Pier").focus()
        page.keyboard.press("Enter")
        page.wait_for_url("**/dashboard/journeys?number=nobody")
        page.goto("/account/organization")
        expect(page.locator("button[aria-current]")).to_have_text("North Pier")
