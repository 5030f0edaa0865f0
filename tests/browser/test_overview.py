"""The overview draws what was counted, and draws it anew when there is more."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psycopg
import pytest
from playwright.sync_api import Browser, expect

from domain.kernel.database import Database
from domain.statistics.activities import Activity
from domain.statistics.flusher import Flusher
from domain.statistics.tally import Tally
from providers.signals import RedisSignals
from tests.browser.stage import Stage, sign_in, staged
from tests.support.servers import redis_database

if TYPE_CHECKING:
    from tests.support.databases import Databases, DatabaseUrls
    from tests.support.servers import Servers

pytestmark = [pytest.mark.browser, pytest.mark.integration, pytest.mark.xdist_group("browser")]


@dataclass(frozen=True)
class House:
    """A stage, and what a worker would count with."""

    stage: Stage
    urls: DatabaseUrls
    redis_url: str

    def count_handed_over(self, times: int) -> None:
        """Count deliveries as a worker does, and signal that there is news."""
        tally = Tally()
        with psycopg.connect(self.urls.platform) as connection:
            row = connection.execute("SELECT org_id, id FROM clients ORDER BY id LIMIT 1").fetchone()
        assert row is not None
        tally.happened(Activity.DELIVERY, "sms.accepted", org_id=row[0], client_id=row[1], times=times)
        signals = RedisSignals(self.redis_url)
        with closing(Database(self.urls.app, self.urls.platform)) as database:
            assert Flusher(tally, database, signals.changes).flush()
        signals.close()


@pytest.fixture(scope="module")
def house(
    databases: Databases, servers: Servers, worker_id: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[House]:
    redis_url = redis_database(servers.redis_url, worker_id)
    with databases.migrated() as urls, staged(urls, redis_url, tmp_path_factory.mktemp("stage")) as stage:
        yield House(stage, urls, redis_url)


def test_charts_are_drawn_and_drawn_anew_when_there_is_news(browser: Browser, house: House) -> None:
    with browser.new_context() as context:
        page = context.new_page()
        sign_in(page, house.stage)
        with page.expect_request(lambda request: "/dashboard/events" in request.url):
            page.goto(f"{house.stage.url}/dashboard/overview")
        deliveries = page.locator("#deliveries")
        expect(deliveries.locator("canvas")).to_have_count(1)
        expect(page.locator("#throughput canvas")).to_have_count(1)

        figures = deliveries.locator("details")
        figures.locator("summary").click()
        expect(figures.locator("tbody tr")).to_have_count(60)

        house.count_handed_over(1_000_000)
        expect(deliveries.locator("figcaption")).to_contain_text("1,000,0", timeout=90_000)
        expect(deliveries.locator("canvas")).to_have_count(1)
        expect(figures.locator("tbody tr")).to_have_count(60)  # what was open stays open


def test_another_time_is_a_click_away(browser: Browser, house: House) -> None:
    with browser.new_context() as context:
        page = context.new_page()
        sign_in(page, house.stage)
        page.goto(f"{house.stage.url}/dashboard/overview")
        page.get_by_role("link", name="Last 7 days").click()
        expect(page.locator("#failures figcaption")).to_contain_text("in the last 7 days")
        page.get_by_role("link", name="delivery.send").first.click()
        expect(page.locator(".narrowed")).to_contain_text("delivery.send")
        expect(page.locator("#failures figcaption")).to_contain_text("in the last 7 days")
