"""An open page is told what there is news of, as soon as it is there, and of nothing that its reader may not see."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

import httpx
import psycopg
import pytest

from api.app import create_app
from domain.kernel.database import Database
from domain.notices.raising import NoticeKind, raise_notice
from domain.queue.control import pause
from domain.statistics.ports import Change
from providers.signals import RedisSignals
from tests.support.eventually import eventually
from tests.support.live_app import LiveApp
from tests.support.people import Place, make_place
from tests.support.signing_in import add_person, sign_in, sign_in_by_token

if TYPE_CHECKING:
    from types import TracebackType

    from fastapi import FastAPI

    from config.settings import Settings
    from tests.support.app_fixtures import MakeSettings
    from tests.support.databases import DatabaseUrls

pytestmark = pytest.mark.integration
TOKEN = "admin-token-for-tests-0123456789"


class Stream:
    """An open page: what it was told, as it comes."""

    def __init__(self, browser: httpx.Client, topics: str) -> None:
        self._request = browser.build_request("GET", f"/dashboard/events?topics={topics}")
        self._browser = browser
        self.told: list[str] = []
        self.opened = threading.Event()
        self.ended = threading.Event()
        self._answer: httpx.Response | None = None
        self._thread = threading.Thread(target=self._read, name="stream")

    def _read(self) -> None:
        try:
            self._answer = self._browser.send(self._request, stream=True)
            for line in self._answer.iter_lines():
                self.opened.set()
                if line.startswith("event: "):
                    self.told.append(line.removeprefix("event: "))
        except (httpx.HTTPError, RuntimeError):
            pass
        finally:
            self.ended.set()

    def __enter__(self) -> Self:
        self._thread.start()
        assert self.opened.wait(20), "The stream did not open."
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._answer is not None and not self.ended.is_set():
            self._answer.extensions["network_stream"].get_extra_info("socket").shutdown(2)
        self._thread.join(20)


@dataclass
class House:
    """An application behind a real port, two organizations, and browsers."""

    url: str
    app: FastAPI
    urls: DatabaseUrls
    database: Database
    signals: RedisSignals
    ours: Place
    theirs: Place
    browsers: list[httpx.Client] = field(default_factory=list)

    def browser(self, role: str | None = None, org: Place | None = None, *, whole: bool = True) -> httpx.Client:
        """Return a browser that signed in: with the admin token, or in a role in an organization or for its client."""
        client = httpx.Client(base_url=self.url, timeout=20)
        self.browsers.append(client)
        if role is None or org is None:
            assert sign_in_by_token(client, TOKEN).status_code == 303
        else:
            email = f"{role}.{len(self.browsers)}@example.com"
            add_person(self.urls.platform, email, (role, org.org_id, None if whole else org.client_id))
            assert sign_in(client, email).status_code == 303
        return client

    def signal(self, topic: str, place: Place, *, client: bool = True) -> None:
        """Signal as a worker does."""
        self.signals.changes([Change(topic, place.org_id, place.client_id if client else None)])


@contextmanager
def _house(settings: Settings, urls: DatabaseUrls, redis_url: str) -> Iterator[House]:
    made: list[FastAPI] = []

    def make(url: str) -> FastAPI:
        made.append(create_app(settings.model_copy(update={"public_url": url})))
        return made[0]

    with LiveApp(make) as running, closing(Database(urls.app, urls.platform)) as database:
        signals = RedisSignals(redis_url)
        house = House(running.url, made[0], urls, database, signals, make_place(database), make_place(database))
        eventually(lambda: made[0].state.signals.connected, what="The subscription")
        made[0].state.live.echo_after = 3600.0
        yield house
        for browser in house.browsers:
            browser.close()
        signals.close()


@pytest.fixture
def house(settings: Settings, database_urls: DatabaseUrls, redis_url: str) -> Iterator[House]:
    """Give the application."""
    with _house(settings, database_urls, redis_url) as made:
        yield made


def test_a_page_is_told_of_what_it_shows(house: House) -> None:
    with Stream(house.browser(), "jobs,deliveries") as page:
        house.signal("jobs", house.ours, client=False)
        house.signal("messages", house.ours)
        eventually(lambda: page.told == ["jobs"], what="The telling of a signal")
        house.signal("deliveries", house.theirs)
        eventually(lambda: page.told == ["jobs", "deliveries"], what="The telling of the next one")


def test_a_page_is_told_of_what_nobody_signals(house: House) -> None:
    with Stream(house.browser(), "queues,notices") as page:
        # What is there when the page opens is no news; what comes after the first look is.
        eventually(lambda: house.app.state.live.news.looking)
        assert page.told == []
        with house.database.platform_scope() as session:
            pause(session, "bulk", "for a test")
        eventually(lambda: _again(lambda: "queues" in page.told, lambda: _toggle(house)), within=20)
        _notice(house, house.ours)
        eventually(lambda: "notices" in page.told, within=20, what="The telling of a notice")


def test_a_tenant_is_told_of_its_own_alone(house: House) -> None:
    with (
        Stream(house.browser("implementation_lead", house.ours), "deliveries,messages,notices") as ours,
        Stream(house.browser("implementation_lead", house.theirs), "deliveries,messages,notices") as theirs,
        Stream(house.browser("workspace_viewer", house.ours, whole=False), "deliveries,messages,notices") as client,
    ):
        house.signals.changes([Change("messages", house.ours.org_id, house.ours.other_client_id)])
        eventually(lambda: ours.told == ["messages"])
        house.signal("deliveries", house.theirs)
        eventually(lambda: theirs.told == ["deliveries"])
        house.signal("deliveries", house.ours)
        eventually(lambda: ours.told == ["messages", "deliveries"] and client.told == ["deliveries"])
        assert theirs.told == ["deliveries"]


def test_topics_without_permission_are_left_out_and_none_at_all_ends_it(house: House) -> None:
    lead = house.browser("implementation_lead", house.ours)
    assert lead.get("/dashboard/events?topics=jobs,queues,workers").status_code == 204
    assert house.browser("crew", house.ours).get("/dashboard/events?topics=statistics").status_code == 204
    with Stream(lead, "jobs,leads") as page:
        house.signal("jobs", house.ours, client=False)
        house.signal("leads", house.ours)
        eventually(lambda: page.told == ["leads"])


def test_an_unknown_topic_is_a_mistake_and_nobody_unknown_listens(house: House) -> None:
    assert house.browser().get("/dashboard/events?topics=jobs,weather").status_code == 422
    assert httpx.get(f"{house.url}/dashboard/events?topics=jobs").status_code == 401


def test_a_stream_ends_when_its_reader_is_not_let_in_any_more(house: House) -> None:
    house.app.state.live.check_every = 0.0
    browser = house.browser()
    with Stream(browser, "jobs") as page:
        house.signal("jobs", house.ours, client=False)
        eventually(lambda: page.told == ["jobs"])
        with psycopg.connect(house.urls.platform) as connection:
            connection.execute("DELETE FROM user_sessions")
        assert page.ended.wait(20), "The stream went on."


def test_a_stream_loses_a_topic_with_its_permission(house: House) -> None:
    house.app.state.live.check_every = 0.0
    browser = house.browser("workspace_admin", house.ours)
    with Stream(browser, "deliveries,leads") as page:
        with psycopg.connect(house.urls.platform) as connection:
            connection.execute("UPDATE memberships SET role = 'crew'")
        assert page.ended.wait(20), "The stream went on."


def test_one_person_opens_only_so_many_streams(house: House) -> None:
    house.app.state.live.most_of_one = 1
    browser = house.browser()
    with Stream(browser, "jobs"):
        assert browser.get("/dashboard/events?topics=jobs").status_code == 429
    eventually(lambda: len(house.app.state.live) == 0, what="The end of the stream")


def test_nothing_is_asked_while_no_page_is_open(house: House) -> None:
    news = house.app.state.live.news
    assert not news.looking
    with Stream(house.browser(), "jobs"):
        assert news.looking
    eventually(lambda: not news.looking, what="The end of the looks")


def test_news_is_told_once_more_after_a_while(house: House) -> None:
    house.app.state.live.echo_after = 1.0
    with Stream(house.browser(), "jobs") as page:
        house.signal("jobs", house.ours, client=False)
        eventually(lambda: page.told == ["jobs", "jobs"], what="The echo")


def test_a_page_that_was_cut_off_looks_at_everything_again(house: House) -> None:
    browser = house.browser()
    browser.headers["last-event-id"] = "1"
    with Stream(browser, "jobs,queues") as page:
        eventually(lambda: page.told == ["jobs", "queues"])


def test_a_server_that_stops_ends_its_streams(
    unconnected: MakeSettings, settings: Settings, database_urls: DatabaseUrls, redis_url: str
) -> None:
    del unconnected
    with _house(settings, database_urls, redis_url) as house:
        page = Stream(house.browser(), "jobs")
        page.__enter__()
        house.signal("jobs", house.ours, client=False)
        eventually(lambda: page.told == ["jobs"])
    assert page.ended.wait(10)


def _again(done: Callable[[], bool], otherwise: Callable[[], None]) -> bool:
    if not done():
        otherwise()
    return done()


def _toggle(house: House) -> None:
    with psycopg.connect(house.urls.platform) as connection:
        connection.execute("UPDATE queues SET paused_because = coalesce(paused_because, '') || '.' WHERE name = 'bulk'")


def _notice(house: House, place: Place) -> None:
    with house.database.platform_scope() as session:
        raise_notice(
            session, NoticeKind.OWNER_UNREACHABLE, "client:x", "Words.", org_id=place.org_id, client_id=place.client_id
        )
