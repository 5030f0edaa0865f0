"""Whether a client's owner is alerted, and a test that shows it."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Final
from uuid import UUID

import anyio
from fastapi import APIRouter, Query, Response
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool

from api.access.requires import Access, requires
from domain.alerts.status import AlertStatus, alert_status, channels_past, refresh_notice
from domain.alerts.trial import CannotTestError, Trial, Verdict, request_trial, verdicts
from domain.kernel.clock import SystemClock

if TYPE_CHECKING:
    from collections.abc import Sequence


router = APIRouter(tags=["Notifications"])
WAIT_SECONDS: Final = 10.0
_TAKEN_WAIT_SECONDS: Final = 3.0
"""How long to wait for the news that a message arrived, once a provider has taken it."""
_LOOK_EVERY: Final = 0.25


class ChannelDocument(BaseModel):
    """One channel. `used`: an alert would leave by it now; `reason` and `remedy`: what is wrong with it."""

    channel: str
    chosen: bool
    used: bool
    reason: str | None
    remedy: str | None
    last_success_at: datetime | None
    last_failure_at: datetime | None
    last_failure: str | None


class NotificationsDocument(BaseModel):
    """Whether an alert would reach the owner now. `words` say it in whole sentences."""

    reachable: bool
    words: str
    stopped: str | None
    channels: list[ChannelDocument]


class VerdictDocument(BaseModel):
    """What became of one test notification. `works` is missing while that can't be told."""

    channel: str
    delivery_id: UUID
    state: str
    works: bool | None
    words: str


class TestDocument(BaseModel):
    """A test of all chosen channels. `words`: what came of it; `not_sent`: channels that could carry none, and why."""

    __test__ = False

    works: bool | None
    words: str
    sent: list[VerdictDocument]
    not_sent: dict[str, str]


@router.get("/api/v1/clients/{client_id}/notifications")
def status(client_id: UUID, access: Annotated[Access, requires("notifications.view")]) -> NotificationsDocument:
    """Return whether the owner would be alerted now, by which channels, and when these last worked and failed."""
    with access.client_scope(client_id) as session:
        found = alert_status(session, client_id, now=SystemClock().now())
        past = channels_past(session, client_id)
    return NotificationsDocument(
        reachable=found.reachable,
        words=found.words,
        stopped=found.stopped,
        channels=[
            ChannelDocument(
                channel=one.channel,
                chosen=one.chosen,
                used=one.used,
                reason=one.reason,
                remedy=one.remedy,
                last_success_at=past[one.channel].last_success_at,
                last_failure_at=past[one.channel].last_failure_at,
                last_failure=past[one.channel].last_failure,
            )
            for one in found.channels
        ],
    )


@router.post("/api/v1/clients/{client_id}/notifications/test")
async def send_test(
    client_id: UUID,
    access: Annotated[Access, requires("notifications.test")],
    response: Response,
    wait: Annotated[float, Query(ge=0, le=WAIT_SECONDS)] = WAIT_SECONDS,
) -> TestDocument:
    """Send a test notification by each channel that the owner chose, and say within `wait` seconds what became of it.

    202 when that is still open: the status and the deliveries tell later. 409, with the reason, when none can be sent.
    """
    trial = await run_in_threadpool(_request, access, client_id)
    found = await _outcome(access, client_id, trial, wait)
    await run_in_threadpool(_refresh, access, client_id)
    works = _together(found)
    if works is None:
        response.status_code = 202
    return TestDocument(
        works=works,
        words=_words(works, trial),
        sent=[
            VerdictDocument(
                channel=one.channel,
                delivery_id=one.delivery_id,
                state=one.state,
                works=one.works,
                words=one.words,
            )
            for one in found
        ],
        not_sent=dict(trial.not_sent),
    )


def _request(access: Access, client_id: UUID) -> Trial:
    with access.client_scope(client_id) as session:
        trial = request_trial(session, client_id, access.actor, now=SystemClock().now())
    if isinstance(trial, CannotTestError):
        raise trial
    return trial


async def _outcome(access: Access, client_id: UUID, trial: Trial, wait: float) -> Sequence[Verdict]:
    """Return what became of a test as soon as all of it is known, or when the time is over."""

    def look() -> Sequence[Verdict]:
        with access.client_scope(client_id) as session:
            return verdicts(session, trial.delivery_ids)

    until, known_at = anyio.current_time() + wait, None
    while True:
        found, now = await run_in_threadpool(look), anyio.current_time()
        if all(one.works is not None for one in found):
            known_at = known_at or now
        ended = all(one.ended for one in found)
        if ended or now >= until or (known_at is not None and now >= known_at + _TAKEN_WAIT_SECONDS):
            return found
        await anyio.sleep(_LOOK_EVERY)


def _refresh(access: Access, client_id: UUID) -> AlertStatus:
    with access.client_scope(client_id) as session:
        return refresh_notice(session, client_id, now=SystemClock().now())


def _together(found: Sequence[Verdict]) -> bool | None:
    if any(one.works is False for one in found):
        return False
    return True if all(one.works for one in found) else None


def _words(works: bool | None, trial: Trial) -> str:  # noqa: FBT001  # three answers, as they are shown
    if works is None:
        return "It is not known yet whether the test arrives. Look again at the status in a minute."
    if not works:
        return "The test failed: see what is said of each channel."
    return "The test works." if not trial.not_sent else "The test works by one channel, but not by the other."
