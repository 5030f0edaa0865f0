"""An operator watches runs appear, stops a queue and a job, and lets a schedule run, in a browser and a real house."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Page, expect

from domain.access.messages import SweepSessions
from domain.kernel.database import Database
from domain.kernel.ids import PLATFORM_ORG_ID
from domain.queue.enqueue import enqueue
from domain.queue.models import Job
from tests.support.eventually import eventually
from tests.support.running_house import RunningHouse

if TYPE_CHECKING:
    from uuid import UUID

pytestmark = [pytest.mark.browser, pytest.mark.integration, pytest.mark.xdist_group("browser")]


class _Desk:
    """Somebody who enqueues jobs meanwhile."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def enqueue(self, run_at: datetime | None = None) -> UUID:
        with self._database.platform_scope() as session:
            return enqueue(session, SweepSessions(), org_id=PLATFORM_ORG_ID, run_at=run_at)

    def state(self, job_id: UUID) -> str:
        with self._database.platform_scope() as session:
            return session.get_one(Job, job_id).state

    def wait_done(self, job_id: UUID) -> None:
        eventually(lambda: self.state(job_id) == "completed", within=30, what="the end of a job")


@pytest.fixture
def desk(house: RunningHouse) -> Iterator[_Desk]:
    with closing(Database(house.urls.app, house.urls.platform, pool_size=1)) as database:
        yield _Desk(database)


def _row_of(job_id: UUID) -> str:
    return f'#tail a[href="/dashboard/jobs/{job_id}"]'


def test_runs_appear_by_themselves_until_they_are_told_to_pause(operator: Page, desk: _Desk) -> None:
    operator.goto("/dashboard/jobs")
    operator.get_by_role("link", name="Live", exact=True).click()
    expect(operator.get_by_role("heading", level=1)).to_have_text("Runs")
    first = desk.enqueue()
    expect(operator.locator(_row_of(first))).to_be_visible()
    expect(operator.get_by_role("status").filter(has_text="new run")).to_be_attached()

    pause = operator.get_by_role("button", name="Pause")
    pause.focus()
    operator.keyboard.press("Enter")
    second = desk.enqueue()
    desk.wait_done(second)
    with operator.expect_response("**/dashboard/jobs?view=live"):
        operator.get_by_role("button", name="Go on").click()
    expect(operator.locator(_row_of(second))).to_be_visible()


def test_somebody_at_a_link_of_the_list_is_not_interrupted(operator: Page, desk: _Desk) -> None:
    first = desk.enqueue()
    desk.wait_done(first)
    operator.goto("/dashboard/jobs?view=live")
    link = operator.locator(_row_of(first))
    link.focus()
    desk.wait_done(desk.enqueue())
    expect(link).to_be_focused()
    operator.keyboard.press("Enter")
    expect(operator.get_by_role("heading", level=1)).to_have_text("access.sweep")


def test_a_queue_is_paused_and_resumed_with_reasons(operator: Page) -> None:
    operator.goto("/dashboard/queues")
    operator.get_by_role("link", name="Pause bulk").click()
    question = operator.get_by_role("dialog", name="Pause bulk?")
    question.get_by_label("Reason").fill("The provider is down.")
    question.get_by_role("button", name="Pause bulk").click()
    expect(operator.get_by_role("status")).to_contain_text("bulk is paused.")
    row = operator.get_by_role("row").filter(has=operator.get_by_role("rowheader", name="bulk"))
    expect(row).to_contain_text("The provider is down.")

    row.get_by_role("link", name="Resume bulk").focus()
    operator.keyboard.press("Enter")
    operator.get_by_role("dialog", name="Hand out jobs of bulk again?").get_by_label("Reason").fill("It is back.")
    operator.keyboard.press("Enter")
    expect(operator.get_by_role("status")).to_contain_text("bulk is open again.")


def test_a_job_is_cancelled_before_its_time(operator: Page, desk: _Desk) -> None:
    job_id = desk.enqueue(datetime.now(UTC) + timedelta(hours=1))
    operator.goto(f"/dashboard/jobs/{job_id}")
    operator.get_by_role("link", name="Cancel").click()
    question = operator.get_by_role("dialog", name="Cancel this job?")
    question.get_by_label("Reason").fill("It is not needed.")
    question.get_by_role("button", name="Cancel the job").click()
    expect(operator.get_by_role("status")).to_contain_text("It is cancelled.")
    expect(operator.get_by_role("link", name="Cancel")).to_have_count(0)
    assert desk.state(job_id) == "cancelled"


def test_a_schedule_is_run_at_once_and_its_end_is_seen(operator: Page) -> None:
    operator.goto("/dashboard/schedules")
    operator.get_by_role("link", name="Run now queue.upkeep").click()
    question = operator.get_by_role("dialog", name="Run queue.upkeep now?")
    question.get_by_label("Reason").fill("A month has no room.")
    question.get_by_role("button", name="Run it").click()
    expect(operator.get_by_role("status")).to_contain_text("queue.upkeep runs as soon as a worker is free.")
    row = operator.get_by_role("row").filter(has=operator.get_by_role("rowheader", name="queue.upkeep"))
    expect(row).to_contain_text("partitions made")
    expect(row.get_by_role("link", name="That job of queue.upkeep")).to_be_visible()


def test_the_processes_of_the_house_are_there(operator: Page) -> None:
    operator.goto("/dashboard/workers")
    expect(operator.get_by_role("main")).to_contain_text("1 scheduler.")
    expect(operator.get_by_role("main")).not_to_contain_text("No worker takes jobs")
    expect(operator.get_by_role("row").filter(has_text="MB")).not_to_have_count(0)
