"""Every page: a browser finds no fault in it, and it keeps nobody out, by day, by night and on a phone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.every_page import SIGNED_OUT, filled, page_paths
from tests.browser.stage import Stage, sign_in, staged
from tests.browser.watch import Watch, axe
from tests.support.eventually import eventually
from tests.support.servers import redis_database

if TYPE_CHECKING:
    from tests.support.databases import Databases
    from tests.support.servers import Servers

pytestmark = [pytest.mark.browser, pytest.mark.integration, pytest.mark.xdist_group("browser")]
FINDINGS = (Path(__file__).parent / "findings.js").read_text()
TOO_WIDE = """
    document.documentElement.scrollWidth <= window.innerWidth ? [] : [...document.querySelectorAll("main *")]
      .filter((one) => one.getBoundingClientRect().right > window.innerWidth && !one.closest(".table-responsive"))
      .map((one) => one.outerHTML.slice(0, 120)).concat("the page").slice(0, 3)
"""
"""What does not fit into the window."""
FOCUSED = (
    "document.activeElement.closest('nav#navigation, [role=search], main, .skip')?.id || document.activeElement.id"
)
TABS = 60
"""So many times Tab is pressed at most until it has come everywhere."""


@pytest.fixture(scope="module")
def stage(
    databases: Databases, servers: Servers, worker_id: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stage]:
    redis_url = redis_database(servers.redis_url, worker_id)
    with databases.migrated() as urls, staged(urls, redis_url, tmp_path_factory.mktemp("stage")) as stage:
        yield stage


@pytest.fixture(scope="module")
def watched(browser: Browser, stage: Stage) -> Iterator[tuple[Page, Watch]]:
    with browser.new_context() as context:
        page = context.new_page()
        page.emulate_media(reduced_motion="reduce")  # Colours that change slowly are measured half-way.
        sign_in(page, stage)
        yield page, Watch(page)


@pytest.mark.parametrize("path", page_paths())
def test_a_page_keeps_nobody_out(watched: tuple[Page, Watch], stage: Stage, path: str) -> None:
    page, watch = watched
    page.set_viewport_size({"width": 1280, "height": 800})
    page.emulate_media(color_scheme="light")
    page.goto(stage.url + filled(path, stage.ids), wait_until="load")
    faults = watch.take() + axe(page) + page.evaluate(FINDINGS)
    page.emulate_media(color_scheme="dark")
    faults += [f"by night: {one}" for one in axe(page, "color-contrast")]
    page.set_viewport_size({"width": 390, "height": 844})
    with suppress(AssertionError):  # What a script draws anew takes a moment; what stays too wide is named.
        eventually(lambda: page.evaluate(TOO_WIDE) == [], within=2)
    faults += [f"too wide for a phone: {one}" for one in page.evaluate(TOO_WIDE)]
    faults += [f"on a phone: {one}" for one in axe(page)] + watch.take()
    assert faults == []


@pytest.mark.parametrize("path", [path for path in page_paths() if path not in SIGNED_OUT and "{" not in path])
def test_the_keyboard_reaches_navigation_search_and_content(
    watched: tuple[Page, Watch], stage: Stage, path: str
) -> None:
    page, _ = watched
    page.set_viewport_size({"width": 1280, "height": 800})
    page.goto(stage.url + path, wait_until="load")
    page.evaluate("document.activeElement.blur()")
    wanted = {"navigation", "everywhere"}
    if page.locator("main :is(a[href], button, input, select, textarea, [tabindex='0'])").count():
        wanted.add("main")
    reached: list[str] = []
    for _ in range(TABS):
        page.keyboard.press("Tab")
        reached.append(page.evaluate(FOCUSED))
        if wanted <= set(reached):
            break
    assert wanted <= set(reached)


@pytest.mark.parametrize("scripts", [True, False], ids=["with-scripts", "without"])
def test_on_a_phone_the_keyboard_opens_the_navigation_and_closes_it(
    browser: Browser, stage: Stage, *, scripts: bool
) -> None:
    with browser.new_context(viewport={"width": 320, "height": 640}, java_script_enabled=scripts) as context:
        page = context.new_page()
        sign_in(page, stage)
        page.goto(f"{stage.url}/dashboard/clients")
        entry = page.get_by_role("link", name="Journeys")
        expect(entry).to_be_hidden()
        page.get_by_role("button", name="Menu").focus()
        page.keyboard.press("Enter")
        expect(entry).to_be_visible()
        page.keyboard.press("Escape")
        expect(entry).to_be_hidden()
        page.get_by_role("button", name="Menu").press("Enter")
        entry.press("Enter")
        expect(page.get_by_role("heading", level=1)).to_have_text("Journeys")


def test_times_stand_in_the_zone_of_a_browser_whose_user_named_none(browser: Browser, stage: Stage) -> None:
    with browser.new_context(timezone_id="Asia/Kathmandu") as context:
        page = context.new_page()
        sign_in(page, stage)
        page.goto(f"{stage.url}/dashboard/jobs?time=all")
        time = page.locator("td time").first
        at = datetime.fromisoformat(time.get_attribute("datetime") or "").astimezone(ZoneInfo("Asia/Kathmandu"))
        expect(time).to_have_text(re.compile(rf"{at:%H:%M:%S}$"))
        assert (time.get_attribute("title") or "").endswith(" UTC")


@pytest.mark.parametrize("scripts", [True, False], ids=["with-scripts", "without"])
def test_what_asks_first_is_answered_by_keyboard_and_says_what_became_of_it(
    browser: Browser, stage: Stage, *, scripts: bool
) -> None:
    with browser.new_context(java_script_enabled=scripts) as context:
        page = context.new_page()
        sign_in(page, stage)
        page.goto(f"{stage.url}/dashboard/queues")
        queue = "bulk" if scripts else "default"
        row = page.get_by_role("row").filter(has=page.get_by_role("link", name=queue, exact=True))
        row.get_by_role("link", name="Pause").press("Enter")
        question = page.get_by_role("dialog", name=f"Pause {queue}?")
        question.get_by_label("Reason, for the audit log").fill("A disk is replaced")
        page.keyboard.press("Enter")
        expect(page.locator(".said")).to_contain_text(queue)
        expect(row.get_by_role("link", name="Resume")).to_be_visible()
