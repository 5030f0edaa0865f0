"""A text that waits is not sent once its business has left, and the next one is when it is back."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

import pytest

from domain.audit.record import Actor
from domain.clients.archive import archive_client
from domain.clients.billing import carry_out_all, take_step
from domain.clients.lifecycle import Step
from domain.queue.outcome import Cancel, Done
from domain.tenancy.suspend import restore_organization, suspend_organization
from migrations.seeds.demo import CLIENT_ID, ORGANIZATION_ID

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy.orm import Session

    from tests.domain.delivery.conftest import Desk

pytestmark = pytest.mark.integration
DANA: Final = Actor("dana", "super_admin")


def leave(session: Session) -> None:
    take_step(session, CLIENT_ID, Step.REQUEST_CANCELLATION, DANA)


def come_back(session: Session) -> None:
    take_step(session, CLIENT_ID, Step.REACTIVATE, DANA)


def suspend(session: Session) -> None:
    suspend_organization(session, ORGANIZATION_ID, "Does not answer.", DANA)


def restore(session: Session) -> None:
    restore_organization(session, ORGANIZATION_ID, "It did.", DANA)


def archive(session: Session) -> None:
    archive_client(session, CLIENT_ID, "Closed.", DANA)


@pytest.mark.parametrize(
    ("stop", "guard", "go_on"),
    [
        (leave, "not_cancelled", come_back),
        (suspend, "organization_active", restore),
        (archive, "not_cancelled", None),
    ],
)
def test_what_waits_is_stopped_and_on_record(
    desk: Desk, stop: Callable[[Session], None], guard: str, go_on: Callable[[Session], None] | None
) -> None:
    waiting = desk.ask()
    with desk.database.platform_scope() as session:
        stop(session)
    assert isinstance(desk.run(waiting), Cancel)
    assert (desk.twilio.requests, desk.outcomes(waiting)) == ([], ["blocked"])
    assert [decision["guard"] for decision in desk.decisions(waiting) if not decision["allowed"]] == [guard]
    if go_on is None:
        return
    with desk.database.platform_scope() as session:
        go_on(session)
    assert desk.run(desk.ask()) == Done()
    assert len(desk.twilio.messages) == 1, "what was stopped is not sent later"


def test_a_cancellation_whose_time_comes_while_a_text_waits_stops_it_before_any_job_has_run(desk: Desk) -> None:
    in_time, late = desk.ask(), desk.ask()
    with desk.database.platform_scope() as session:
        at = desk.clock.now() + timedelta(days=3)
        take_step(session, CLIENT_ID, Step.REQUEST_CANCELLATION, DANA, at=at)
    assert desk.run(in_time) == Done()
    desk.clock.set(at)
    assert isinstance(desk.run(late), Cancel)
    assert len(desk.twilio.messages) == 1


def test_a_clock_that_is_set_back_brings_nobody_back(desk: Desk) -> None:
    waiting = desk.ask()
    desk.throw("cancel_requested_at = now() - interval '2 days', cancels_at = now() - interval '1 second'")
    assert carry_out_all(desk.database.platform_scope) == "1 clients left, 0 trials ended."
    desk.clock.advance(-timedelta(days=30))
    assert isinstance(desk.run(waiting), Cancel)
    assert desk.twilio.requests == []
