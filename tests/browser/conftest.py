"""A browser and a running house for it.

The browser is the Chromium that GATEHOUSE_TEST_CHROMIUM names, or one on the PATH. A machine without any leaves these
tests out and says so; one that promised a browser, by that variable or by CI, fails.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from typing import Final

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright

from migrations.seeds import apply
from tests.support.databases import Databases
from tests.support.running_house import ADMIN_TOKEN, RunningHouse
from tests.support.servers import Servers, broker_of, redis_database

VARIABLE: Final = "GATEHOUSE_TEST_CHROMIUM"
_NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_PATIENCE_MS: Final = 15_000
_ON_PURPOSE: Final = ("net::ERR", "EventSource", "/dashboard/journeys/", "number=nobody", "/api/widget/leads/")
"""What tests bring about: a cut request, a refused stream or form, a journey or a number that does not exist."""


def _chromium() -> str | None:
    named = os.environ.get(VARIABLE)
    return named or next(filter(None, map(shutil.which, _NAMES)), None)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what needs a browser where there is none and nobody promised one."""
    if _chromium() is not None or os.environ.get("CI"):
        return
    left_out = [item for item in items if item.get_closest_marker("browser")]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


def pytest_report_header() -> str:
    """Say which browser is used."""
    return f"browser: {_chromium() or f'none, so the tests marked browser are left out (set {VARIABLE})'}"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = _chromium()
    assert path is not None, f"No Chromium was found. Install it (Debian: apt-get install chromium) or set {VARIABLE}."
    assert shutil.which(path), f"{VARIABLE} names {path}, which is not a program."
    expect.set_options(timeout=_PATIENCE_MS)
    with sync_playwright() as playwright:
        # Chromium's own sandbox needs rights that a container's root does not have; our own pages are all it opens.
        # Pages are kept for going back, as people's browsers do.
        browser = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox"], ignore_default_args=["--disable-back-forward-cache"]
        )
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def house(
    databases: Databases, servers: Servers, worker_id: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningHouse]:
    """Run the whole house on the demo tenant."""
    redis_url = redis_database(servers.redis_url, worker_id)
    broker_url = redis_url if servers.broker_url is None else broker_of(servers.broker_url, worker_id)
    with databases.migrated() as urls:
        apply(urls.platform, "demo")
        directory = tmp_path_factory.mktemp("house")
        # Every test signs in, all from one address.
        with RunningHouse(urls, redis_url, broker_url, directory, GATEHOUSE_RATES__SIGN_INS="1000") as house:
            yield house


@pytest.fixture
def context(browser: Browser, house: RunningHouse) -> Iterator[BrowserContext]:
    with browser.new_context(base_url=house.url) as context:
        context.set_default_timeout(_PATIENCE_MS)
        yield context


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """Give a page; the test fails when it logs an error, which a breach of its content security policy does."""
    page = context.new_page()
    errors: list[str] = []

    def note(message: ConsoleMessage) -> None:
        on_purpose = any(part in message.text + message.location["url"] for part in _ON_PURPOSE)
        if message.type == "error" and not on_purpose:
            errors.append(message.text)

    page.on("console", note)
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    assert errors == []


@pytest.fixture
def operator(page: Page) -> Page:
    """Give a page whose user has signed in."""
    page.goto("/sandbox")
    page.get_by_role("link", name="Sign in with the admin token").click()
    page.get_by_label("Admin token").fill(ADMIN_TOKEN)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/sandbox")
    return page
