"""The overview draws what the reader's roles name, of what they may see, and what needs them."""

from __future__ import annotations

import html
import json
import re
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

import psycopg
import pytest

from api.dashboard.banners import UNREACHABLE
from api.dashboard.sources import SOURCES
from config.places import CONFIG
from domain.access.roles.book import read_roles
from domain.kernel.database import Database
from domain.kernel.ids import new_id
from domain.notices.raising import NoticeKind, raise_notice
from domain.queue.control import pause
from domain.statistics.activities import Activity
from domain.statistics.flusher import Flusher
from domain.statistics.tally import Tally
from tests.support.app_settings import ADMIN_TOKEN
from tests.support.people import Place, make_place
from tests.support.signing_in import add_person, sign_in, sign_in_by_token

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.app_client import AppClient
    from tests.support.databases import DatabaseUrls

pytestmark = pytest.mark.integration
BEARER = {"Authorization": f"Bearer {ADMIN_TOKEN}"}


@dataclass(frozen=True)
class House:
    """An application, an organization with two clients, and another one."""

    client: AppClient
    urls: DatabaseUrls
    database: Database
    ours: Place
    theirs: Place

    def count(self, tally: Tally) -> None:
        """Write what was counted."""
        assert Flusher(tally, self.database).flush()

    def enter(self, role: str, org_id: UUID, client_id: UUID | None = None) -> None:
        """Sign in as somebody with a role."""
        email = f"{role}@example.com"
        add_person(self.urls.platform, email, (role, org_id, client_id))
        assert sign_in(self.client, email).status_code == 303

    def overview(self, query: str = "") -> str:
        """Return the page."""
        answer = self.client.get(f"/dashboard/overview{query}", headers={"Accept": "text/html"})
        assert answer.status_code == 200, answer.text
        return answer.text


@pytest.fixture
def house(client: AppClient, database_urls: DatabaseUrls) -> Iterator[House]:
    """Give the application with two organizations."""
    with closing(Database(database_urls.app, database_urls.platform)) as database:
        yield House(client, database_urls, database, make_place(database), make_place(database))


def _widgets(page: str) -> set[str]:
    return set(re.findall(r'<section class="card widget[^"]*" id="([^"]+)"', page))


def _chart(page: str, widget: str) -> dict[str, list[float]]:
    """Return the lines of a chart by their labels."""
    section = page.partition(f'id="{widget}"')[2]
    found = re.search(r'data-chart="([^"]+)"', section.partition("</section>")[0])
    assert found, f"{widget} has no chart"
    document = json.loads(html.unescape(found.group(1)))
    return {series["label"]: series["values"] for series in document["series"]}


def _banners(page: str) -> str:
    return page.partition('<ul class="banners"')[2].partition("</ul>")[0]


def test_every_source_that_a_role_names_can_be_drawn() -> None:
    roles = read_roles(CONFIG).roles.values()
    named = {widget.source for role in roles for widget in role.widgets}
    assert named <= set(SOURCES)
    assert named, "No role names any source."


def test_whoever_runs_the_platform_sees_its_parts_and_all_organizations_together(house: House) -> None:
    tally = Tally()
    tally.job_ended(house.ours.org_id, "delivery.send", "outbound", "completed", waited=0.1, ran=0.2)
    tally.job_ended(house.theirs.org_id, "delivery.send", "outbound", "dead", waited=0.1, ran=0.2)
    tally.happened(Activity.DELIVERY, "sms.delivered", org_id=house.ours.org_id, client_id=house.ours.client_id)
    house.count(tally)
    sign_in_by_token(house.client, ADMIN_TOKEN)

    page = house.overview()
    assert _widgets(page) == {
        "notices", "throughput", "waits", "failures", "depth", "kinds", "dead", "workers", "system", "schedules",
        "circuits", "deliveries", "blocked",
    }  # fmt: skip
    assert sum(_chart(page, "throughput")["Completed"]) == 1
    assert sum(_chart(page, "failures")["Dead"]) == 1
    assert sum(_chart(page, "deliveries")["Delivered"]) == 1
    assert "2 attempts in the last hour" in page
    for span, steps in (("hour", 60), ("day", 144), ("week", 168)):
        assert len(_chart(house.overview(f"?span={span}"), "deliveries")["Delivered"]) == steps
    assert "kind=delivery.send" in page
    one_kind = house.overview("?kind=alerts.digest")
    assert "Nothing happened in this time" in one_kind.partition('id="throughput"')[2]


def test_whoever_leads_an_organization_sees_its_counts_and_no_others(house: House) -> None:
    tally = Tally()
    tally.happened(Activity.LEAD, "captured", org_id=house.ours.org_id, client_id=house.ours.client_id, times=2)
    tally.happened(Activity.LEAD, "captured", org_id=house.ours.org_id, client_id=house.ours.other_client_id)
    tally.happened(Activity.LEAD, "captured", org_id=house.theirs.org_id, client_id=house.theirs.client_id, times=40)
    house.count(tally)
    house.enter("implementation_lead", house.ours.org_id)

    page = house.overview()
    assert _widgets(page) == {"notices", "clients", "deliveries", "blocked", "conversations", "leads"}
    assert "<strong>3</strong> leads" in page


def test_whoever_has_one_client_sees_its_counts_alone(house: House) -> None:
    tally = Tally()
    for client_id, times in ((house.ours.client_id, 2), (house.ours.other_client_id, 5)):
        tally.happened(Activity.RECEIVED, "sms", org_id=house.ours.org_id, client_id=client_id, times=times)
    house.count(tally)
    house.enter("workspace_viewer", house.ours.org_id, house.ours.client_id)

    page = house.overview()
    assert _widgets(page) == {"notices", "conversations", "leads", "deliveries"}
    assert sum(_chart(page, "conversations")["Received"]) == 2


def test_who_sees_only_what_is_their_own_gets_a_page_that_says_so(house: House) -> None:
    house.enter("crew", house.ours.org_id)
    assert "Your role has nothing on this page" in house.overview()


def test_what_needs_a_person_stands_on_top_for_those_who_may_see_it(house: House) -> None:
    with house.database.platform_scope() as session:
        pause(session, "bulk", "the importer is being repaired")
        for place in (house.ours, house.theirs):
            raise_notice(
                session,
                NoticeKind.OWNER_UNREACHABLE,
                f"client:{place.client_id}",
                f"Nobody can be alerted of {place.client_id}.",
                org_id=place.org_id,
                client_id=place.client_id,
            )
    with psycopg.connect(house.urls.platform) as connection:
        connection.execute(
            "INSERT INTO jobs (id, org_id, kind, queue, args, state, max_attempts, finished_at)"
            " VALUES (%s, %s, 'test.note', 'default', '{}', 'dead', 1, now())",
            (new_id(), house.ours.org_id),
        )
    sign_in_by_token(house.client, ADMIN_TOKEN)
    seen = _banners(house.overview())
    for words in (
        UNREACHABLE.replace("'", "&#39;"),
        "The queue bulk is paused: the importer is being repaired",
        "No worker takes jobs of the queues",
        "No scheduler runs",
        "1 dead letter waits",
    ):
        assert words in seen

    house.enter("workspace_viewer", house.ours.org_id, house.ours.client_id)
    theirs = _banners(house.overview())
    assert str(house.ours.client_id) in theirs
    assert str(house.theirs.client_id) not in theirs
    assert "queue" not in theirs
    assert "scheduler" not in theirs


def test_what_one_person_was_shown_is_not_shown_to_another_who_may_see_less(house: House) -> None:
    tally = Tally()
    tally.happened(Activity.LEAD, "captured", org_id=house.ours.org_id, client_id=house.ours.other_client_id, times=7)
    house.count(tally)
    house.enter("workspace_admin", house.ours.org_id)
    assert "<strong>7</strong> leads" in house.overview()
    house.enter("workspace_viewer", house.ours.org_id, house.ours.client_id)
    assert "<strong>0</strong> leads" in house.overview()


def test_programs_get_the_same_counts_within_their_reach(house: House) -> None:
    tally = Tally()
    tally.job_ended(house.ours.org_id, "delivery.send", "outbound", "completed", waited=0.1, ran=0.2)
    tally.happened(Activity.BLOCKED, "bot_enabled", org_id=house.theirs.org_id, client_id=house.theirs.client_id)
    house.count(tally)

    def read(path: str, **headers: str) -> Any:  # noqa: ANN401 - a document
        answer = house.client.get(f"/api/v1/statistics/{path}", headers=BEARER | headers)
        assert answer.status_code == 200, answer.text
        return answer.json()["items"]

    def completed(path: str, **headers: str) -> int:
        return sum(item["completed"] for item in read(path, **headers))

    def blocked(path: str, **headers: str) -> int:
        return sum(sum(item["times"].values()) for item in read(path, **headers)["blocked"])

    ours, theirs = {"X-Org-Id": str(house.ours.org_id)}, {"X-Org-Id": str(house.theirs.org_id)}
    assert completed("jobs") == 1
    assert completed("jobs?span=week&kind=delivery.send", **ours) == 1
    assert completed("jobs", **theirs) == 0
    assert blocked("activities", **theirs) == 1
    assert list(read("activities?activity=lead&activity=received", **theirs)) == ["lead", "received"]
    assert blocked("activities?activity=blocked", **ours) == 0


def test_counts_take_the_permission_for_what_is_counted(house: House) -> None:
    house.enter("crew", house.ours.org_id)
    assert house.client.get("/api/v1/statistics/activities").json() == {"items": {}}
    for path in ("jobs", *(f"activities?activity={activity.value}" for activity in Activity)):
        assert house.client.get(f"/api/v1/statistics/{path}").status_code == 403


def test_nobody_unknown_sees_the_overview(house: House) -> None:
    answer = house.client.get("/dashboard/overview", headers={"Accept": "text/html"}, follow_redirects=False)
    assert answer.status_code == 303
    assert house.client.get("/api/v1/statistics/jobs").status_code == 401
