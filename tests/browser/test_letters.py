"""The links of letters in a real browser, which says of every form where it stands."""

from __future__ import annotations

import re
from pathlib import Path
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, Page, expect

from migrations.seeds.demo import ORGANIZATION_ID
from tests.support.eventually import eventually
from tests.support.running_house import ADMIN_TOKEN, RunningHouse

pytestmark = [pytest.mark.browser, pytest.mark.integration, pytest.mark.xdist_group("browser")]
FINDINGS = (Path(__file__).parent / "findings.js").read_text()
FIRST, SECOND = "seven quiet herons wading", "nine loud geese landing"


def test_who_is_invited_gets_in_and_gets_in_again_after_forgetting_the_password(
    operator: Page, browser: Browser, house: RunningHouse
) -> None:
    email = f"{uuid4().hex}@example.com"
    invited = operator.request.post(
        f"{house.url}/api/v1/users",
        headers={"Authorization": f"Bearer {ADMIN_TOKEN}"},
        data={"email": email, "role": "workspace_viewer", "org_id": str(ORGANIZATION_ID)},
    )
    assert invited.status == 201, invited.text()
    context = browser.new_context(base_url=house.url)
    page = context.new_page()

    page.goto(link_to(operator, email, "You are invited"))
    assert page.evaluate(FINDINGS) == []
    page.get_by_label("Your name").fill("Ada")
    page.get_by_label("Password", exact=True).fill(FIRST)
    page.get_by_label("Password again").fill(FIRST)
    page.get_by_role("button", name="Begin").click()
    page.get_by_role("link", name="Sign in").click()
    sign_in(page, email, FIRST)
    page.get_by_role("button", name="Sign out").click()

    page.goto("/sign-in")
    page.get_by_role("link", name="Forgot your password?").click()
    page.get_by_label("E-mail address").fill(email)
    page.get_by_role("button", name="Send the link").click()
    page.goto(link_to(operator, email, "password"))
    assert page.evaluate(FINDINGS) == []
    page.get_by_label("Password", exact=True).fill(SECOND)
    page.get_by_label("Password again").fill(SECOND)
    page.get_by_role("button", name="Set the password").click()
    page.get_by_role("link", name="Sign in").click()
    sign_in(page, email, SECOND)
    context.close()


def sign_in(page: Page, email: str, password: str) -> None:
    """Sign in on the page that is open."""
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()


def link_to(operator: Page, email: str, about: str) -> str:
    """Return the link of the newest letter to somebody, once it is in the sandbox mailbox."""

    def arrived() -> bool:
        operator.goto("/dashboard/sandbox/mail")
        return letters.count() > 0

    letters = operator.get_by_role("row").filter(has_text=email).get_by_role("link", name=about)
    eventually(arrived, within=15, what=f"a letter about {about!r}")
    letters.first.click()
    found = re.search(r"https?://\S+/account/\w+/[\w-]+", operator.locator("pre, .letter-text").first.inner_text())
    assert found is not None
    return found.group(0)
