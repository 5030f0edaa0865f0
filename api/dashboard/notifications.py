"""Whether the owners of clients are alerted, by client and channel, and the test that shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final
from uuid import UUID

import anyio
from fastapi import APIRouter, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from api.access.requires import Access, requires
from api.dashboard.filters import Field, Filters
from api.dashboard.flash import flash
from api.dashboard.tables import Column, Link, State, Table, csv_response, wants_csv
from api.pages import page
from api.schemas.paging import After, cursor, id_position
from domain.alerts.overview import list_alerts
from domain.alerts.status import alert_status, channels_past, refresh_notice
from domain.alerts.trial import CannotTestError, last_trials, request_trial, verdicts
from domain.clients.listing import Which, get_client
from domain.kernel.clock import SystemClock

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from api.dashboard.tables import Cell, Tone
    from domain.alerts.overview import ClientAlerts
    from domain.alerts.past import ChannelPast
    from domain.alerts.policy import Channel
    from domain.alerts.status import AlertStatus, ChannelStatus
    from domain.alerts.trial import PastTrial, Trial

router = APIRouter(include_in_schema=False)
Viewing = Annotated[Access, requires("notifications.view")]
Testing = Annotated[Access, requires("notifications.test")]
PATH: Final = "/dashboard/notifications"
_PAGE: Final = 20
WAIT_SECONDS: Final = 1.0
"""How long a test is waited for; its page then follows along."""
_LOOK_EVERY: Final = 0.25
CHANNELS: Final[Mapping[Channel, str]] = {"sms": "Text message", "email": "E-mail"}
_COLUMNS: Final = (
    Column("client", "Client", "link"),
    Column("state", "Alerts", "state"),
    Column("sms", "Text message: last arrived", "ago"),
    Column("sms_failed", "last failed", "ago"),
    Column("email", "E-mail: last arrived", "ago"),
    Column("email_failed", "last failed", "ago"),
)
_CHANNEL_COLUMNS: Final = (
    Column("channel", "Channel"),
    Column("used", "Alerts go by it", "state"),
    Column("success", "Last arrived", "ago"),
    Column("failure", "Last failed", "ago"),
    Column("reason", "What is wrong"),
    Column("remedy", "What to do"),
)


@router.get(PATH)
def overview(
    request: Request, access: Viewing, after: After = None, name: Annotated[str, Query(max_length=200)] = ""
) -> Response:
    """Show the clients, and whether the owner of each would be alerted now."""
    if wants_csv(request):
        return csv_response(request, "notifications", lambda place: _table(access, name, place))
    form = Filters([Field("name", "Client", name, "search", hint="a part of its name")])
    return page("notifications.html", request=request, clients=_table(access, name, after), form=form)


@router.get(f"{PATH}/{{client_id}}")
def client(request: Request, client_id: UUID, access: Viewing) -> Response:
    """Show how the alerts of one client stand, and what became of the last test."""
    with access.client_scope(client_id) as session:
        found = get_client(session, client_id).client
        status = alert_status(session, client_id, now=SystemClock().now())
        past = channels_past(session, client_id)
        trials = last_trials(session, client_id)
    return page(
        "notification.html",
        request=request,
        client=found,
        standing=status,
        state=_state(status),
        channels=Table(
            _CHANNEL_COLUMNS, [_channel(one, past[one.channel]) for one in status.channels], caption="Channels"
        ),
        trials=[(one, _tone(one)) for one in trials],
        names=CHANNELS,
        may_test=access.may("notifications.test"),
        sees_deliveries=access.may("deliveries.view"),
    )


@router.post(f"{PATH}/{{client_id}}/test")
async def send_test(request: Request, client_id: UUID, access: Testing) -> Response:
    """Send a test notification by each channel that the owner chose, and say what became of it."""
    trial = await run_in_threadpool(_request, access, client_id)
    if isinstance(trial, CannotTestError):
        said: tuple[str, Tone] = (str(trial), "bad")
    else:
        said = await _outcome(access, client_id, trial)
    response = RedirectResponse(f"{PATH}/{client_id}", status_code=303)
    flash(request, response, *said)
    return response


def _request(access: Access, client_id: UUID) -> Trial | CannotTestError:
    with access.client_scope(client_id) as session:
        return request_trial(session, client_id, access.actor, now=SystemClock().now())


async def _outcome(access: Access, client_id: UUID, trial: Trial) -> tuple[str, Tone]:
    """Return what became of a test, as soon as it is known or when the time is over."""

    def look() -> Sequence[bool | None]:
        with access.client_scope(client_id) as session:
            return [one.works for one in verdicts(session, trial.delivery_ids)]

    until = anyio.current_time() + WAIT_SECONDS
    while True:
        works = await run_in_threadpool(look)
        if None not in works or anyio.current_time() >= until:
            break
        await anyio.sleep(_LOOK_EVERY)
    await run_in_threadpool(_refresh, access, client_id)
    if None in works:
        return "The test is on its way. What becomes of it appears below.", "waiting"
    if not all(works):
        return "The test failed: see below what is said of each channel.", "bad"
    if trial.not_sent:
        return "The test works by one channel, but not by the other: see below.", "limited"
    return "The test works.", "good"


def _refresh(access: Access, client_id: UUID) -> None:
    with access.client_scope(client_id) as session:
        refresh_notice(session, client_id, now=SystemClock().now())


def _table(access: Access, name: str, after: str | None) -> Table:
    place = id_position(after)
    with access.scope() as session:
        found = list_alerts(
            session, Which(search=name.strip() or None), now=SystemClock().now(), limit=_PAGE, after=place
        )
    return Table(
        _COLUMNS,
        [_row(one) for one in found],
        next_page=cursor(found[-1].client_id) if len(found) == _PAGE else None,
        caption="Clients",
        csv=True,
        empty="No client fits that. Owners are alerted of what their customers want once they have a client.",
    )


def _row(one: ClientAlerts) -> Sequence[Cell]:
    past = [one.past[channel] for channel in CHANNELS]
    times = [at for each in past for at in (each.last_success_at, each.last_failure_at)]
    state = _state(one.status)
    about = "" if one.status.reachable else one.status.words
    return (Link(one.name, f"{PATH}/{one.client_id}", one.organization), State(state.tone, state.text, about), *times)


def _state(status: AlertStatus) -> State:
    if not status.reachable:
        return State("bad", "not alerted")
    whole = all(one.reason is None for one in status.channels if one.chosen)
    return State("good", "alerted") if whole else State("limited", "alerted, with a problem")


def _channel(one: ChannelStatus, past: ChannelPast) -> Sequence[Cell]:
    if one.used:
        used = State("good" if one.reason is None else "limited", "yes")
    else:
        used = State("bad" if one.chosen else "plain", "no" if one.chosen else "not chosen")
    return (
        CHANNELS[one.channel],
        used,
        past.last_success_at,
        past.last_failure_at,
        one.reason or past.last_failure,
        one.remedy,
    )


def _tone(one: PastTrial) -> Tone:
    works = one.verdict.works
    return "waiting" if works is None else "good" if works else "bad"
