"""Signing in and out in a real browser: what is left to see, what other sites can do, and who can use the pages."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect

from config.settings import Settings
from domain.kernel.ids import PLATFORM_ORG_ID
from migrations.seeds.demo import CLIENT_ID
from providers.registry import build_sealer
from tests.support.app_settings import app_settings
from tests.support.running_house import RunningHouse
from tests.support.signing_in import PASSWORD, add_person, add_second_factor

pytestmark = [pytest.mark.browser, pytest.mark.integration, pytest.mark.xdist_group("browser")]
FINDINGS = (Path(__file__).parent / "findings.js").read_text()
INSIDE = "/dashboard/journeys"
START_VIEWING = """
    async (client) => (await fetch("/api/v1/view-as", {
      method: "POST",
      headers: {
        "Content-Type": "application/json",
        "X-CSRF-Token": document.querySelector("meta[name=csrf-token]").content,
      },
      body: JSON.stringify({ client_id: client, minutes: 5, reason: "Case 4711" }),
    })).status
"""


def sign_in(page: Page, email: str, password: str = PASSWORD) -> None:
    page.goto(INSIDE)
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()


def add_super_admin(house: RunningHouse) -> tuple[str, Any]:
    email = f"{uuid4().hex}@example.com"
    return email, add_person(house.urls.platform, email, ("super_admin", PLATFORM_ORG_ID, None))


def expect_signed_out(page: Page) -> None:
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert page.get_by_role("navigation", name="Pages").count() == 0


def test_a_person_signs_in_by_keyboard_alone_with_a_second_factor(
    page: Page, house: RunningHouse, tmp_path: Path
) -> None:
    email, user_id = add_super_admin(house)
    settings: Settings = app_settings(tmp_path)
    app = add_second_factor(house.urls.platform, user_id, build_sealer(settings))
    page.goto(INSIDE)
    expect(page.get_by_label("E-mail address")).to_be_focused()
    page.keyboard.type(email)
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_label("Code")).to_be_focused()
    page.keyboard.type(app.now())
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{INSIDE}")
    expect(page.get_by_text(email)).to_be_visible()


def test_going_back_after_signing_out_shows_nothing(page: Page, house: RunningHouse) -> None:
    sign_in(page, add_super_admin(house)[0])
    expect(page.get_by_role("navigation", name="Pages")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    expect_signed_out(page)
    page.go_back()
    expect_signed_out(page)
    page.go_forward(wait_until="commit")  # A page that was kept does not load again.
    expect_signed_out(page)


def test_a_page_that_the_browser_kept_is_not_shown_once_its_session_is_over(page: Page, house: RunningHouse) -> None:
    email, user_id = add_super_admin(house)
    sign_in(page, email)
    expect(page.get_by_role("navigation", name="Pages")).to_be_visible()
    page.goto("/demo/chat")
    with psycopg.connect(house.urls.platform) as connection:
        connection.execute("DELETE FROM user_sessions WHERE user_id = %s", (user_id,))
    page.go_back()
    expect_signed_out(page)


def test_a_page_hides_itself_when_it_is_left_and_asks_again_when_it_is_shown_again(
    page: Page, house: RunningHouse
) -> None:
    email, user_id = add_super_admin(house)
    sign_in(page, email)
    inside = page.get_by_role("navigation", name="Pages")
    expect(inside).to_be_visible()
    page.wait_for_load_state("load")
    page.evaluate("dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true }))")
    expect(inside).to_be_hidden()
    with psycopg.connect(house.urls.platform) as connection:
        connection.execute("DELETE FROM user_sessions WHERE user_id = %s", (user_id,))
    page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))")
    expect_signed_out(page)


def test_another_sites_form_ends_no_session(page: Page, context: BrowserContext, house: RunningHouse) -> None:
    sign_in(page, add_super_admin(house)[0])
    page.wait_for_url(f"**{INSIDE}")
    attack = f'<form method="post" action="{house.url}/sign-out"></form><script>document.forms[0].submit()</script>'

    def serve(route: Route) -> None:
        route.fulfill(content_type="text/html", body=attack)

    context.route("http://evil.example/", serve)
    evil = context.new_page()
    with evil.expect_response("**/sign-out") as response:
        evil.goto("http://evil.example/")
    # The browser sends no cookie along, so there is nothing to end; what it keeps is left alone as well.
    assert "clear-site-data" not in response.value.all_headers()
    page.goto(INSIDE)
    expect(page.get_by_role("navigation", name="Pages")).to_be_visible()


def test_a_banner_shows_as_whom_the_pages_are_seen_and_ends_it(page: Page, house: RunningHouse) -> None:
    sign_in(page, add_super_admin(house)[0])
    page.wait_for_url(f"**{INSIDE}")
    assert page.evaluate(START_VIEWING, str(CLIENT_ID)) == 201
    page.reload()
    banner = page.get_by_role("complementary", name="Viewing as a client")
    expect(banner).to_contain_text("You see this as Harbor Plumbing does and can change nothing")
    expect(banner.locator("time")).to_contain_text("in 5 min")
    assert page.evaluate(FINDINGS) == []
    banner.get_by_role("button", name="Stop").click()
    page.wait_for_url(f"**{INSIDE}")
    expect(banner).to_be_hidden()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everybody_can_use_the_pages_before_signing_in(
    context: BrowserContext,
    house: RunningHouse,
    tmp_path: Path,
    scheme: Any,  # noqa: ANN401  playwright's literal
) -> None:
    page = context.new_page()  # A wrong password is an error in the console.
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": 320, "height": 640})
    email, user_id = add_super_admin(house)
    for path in ("/sign-in", "/sign-in?way=token"):
        page.goto(path)
        assert page.evaluate(FINDINGS) == [], path
    sign_in(page, email, "wrong")
    expect(page.get_by_role("alert")).to_contain_text("do not belong together")
    assert page.evaluate(FINDINGS) == []
    add_second_factor(house.urls.platform, user_id, build_sealer(app_settings(tmp_path)))
    sign_in(page, email)
    expect(page.get_by_label("Code")).to_be_visible()
    assert page.evaluate(FINDINGS) == []
