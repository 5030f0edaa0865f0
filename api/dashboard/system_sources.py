"""Parts of the overview about the platform itself: who works, what is open, what is kept, what is due."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, NamedTuple
from uuid import UUID

from api.dashboard.job_sources import statuses
from api.dashboard.parts import Item, Items, Rows
from api.dashboard.tables import Column, State, Table, Tone
from api.dashboard.words import duration
from api.spool.standing import Standing, standings
from domain.kernel.database import raw_connection
from domain.maintenance.listing import list_schedules
from domain.maintenance.standing import Schedule
from domain.queue.presence import heartbeats
from domain.queue.stats import QueueStaffing, staffing
from providers.health.health import SharedHealth
from providers.registry import providers_in_use

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from api.dashboard.asked import Asked

STALLED_AFTER: Final = 15.0
"""Seconds for which a job that is due may wait to be handed out: a dispatcher looks every second."""
_SILENT_AFTER: Final = 10.0
_TONES: Final[Mapping[str, Tone]] = {
    "running": "waiting",
    "waiting": "waiting",
    "retrying": "limited",
    "fine": "good",
    "failed": "bad",
    "unfinished": "bad",
    "late": "bad",
    "never": "plain",
}
_SCHEDULES: Final = (
    Column("name", "Work"),
    Column("state", "State", "state"),
    Column("last", "Last", "ago"),
    Column("took", "Took", "duration"),
    Column("next", "Next", "ago"),
)


class Circuit(NamedTuple):
    """A provider that is not called for a client since `since`, because it fails."""

    provider: str
    client_id: UUID
    since: datetime


class Crew(NamedTuple):
    """How many workers and schedulers were heard of just now, and who works on each queue."""

    workers: int
    schedulers: int
    staffing: Sequence[QueueStaffing]


def workers(asked: Asked) -> Items:
    """Return the workers that live, and queues that nobody works on."""
    found = crew(asked)
    alive = State("good" if found.workers else "bad", f"{found.workers} alive")
    items = [Item(alive, "Worker processes with a fresh heartbeat", href="/dashboard/workers")]
    items += [
        Item(State("good" if queue.workers else "bad", f"{queue.workers} for {queue.queue}"), _on(queue))
        for queue in found.staffing
    ]
    return Items(items)


def circuits(asked: Asked) -> Items:
    """Return circuits that are open, the oldest first."""
    found = open_circuits(asked)
    items = [
        Item(State("limited", circuit.provider), f"Calls for client {circuit.client_id} wait", circuit.since)
        for circuit in found
    ]
    return Items(items, "All providers are called as usual.")


def system(asked: Asked) -> Items:
    """Return how the dispatcher does, and what is kept while the database is away."""
    lag, found = dispatcher_lag(asked), crew(asked)
    if found.schedulers == 0:
        dispatcher = Item(State("bad", "no scheduler"), "Nothing that is due later is handed out. Start one.")
    elif lag > STALLED_AFTER:
        dispatcher = Item(State("bad", "stalled"), f"A job has been due for {duration(lag)} and is not handed out")
    else:
        dispatcher = Item(State("good", "handing out"), f"Schedulers alive: {found.schedulers}")
    return Items([Item(dispatcher.state, f"Dispatcher: {dispatcher.words}"), *(_kept(one) for one in spool(asked))])


def schedules(asked: Asked) -> Rows:
    """Return work that is due every so often: the last run and the next."""
    rows = [
        (
            one.work.name,
            State(_TONES[one.standing], one.standing),
            one.last.started_at if one.last else None,
            one.last.seconds if one.last else None,
            one.next_at,
        )
        for one in maintenance(asked)
    ]
    return Rows(Table(_SCHEDULES, rows, empty="There is no such work.", caption="Maintenance"))


def crew(asked: Asked) -> Crew:
    """Return who is there."""

    def read(session: Session) -> Crew:
        connection = raw_connection(session)
        now = datetime.now(UTC)
        alive = [beat for beat in heartbeats(connection).values() if (now - beat.at).total_seconds() < _SILENT_AFTER]
        roles = [beat.role for beat in alive]
        return Crew(roles.count("worker"), roles.count("scheduler"), staffing(connection))

    return asked.read_platform("crew", read)


def open_circuits(asked: Asked) -> Sequence[Circuit]:
    """Return the open circuits of providers in use; none while Redis, which has them, is away."""

    def look() -> Sequence[Circuit]:
        in_use = providers_in_use(asked.settings)
        with closing(SharedHealth(asked.settings.redis_url.get_secret_value())) as health:
            found = sorted(health.open_circuits().items(), key=lambda item: item[1])
        return [Circuit(*of, datetime.fromtimestamp(since, UTC)) for of, since in found if of[0] in in_use]

    return asked.look("circuits", look)


def spool(asked: Asked) -> Sequence[Standing]:
    """Return what is kept while the database is away."""
    directory, redis_url = asked.settings.data_dir / "spool", asked.settings.redis_url.get_secret_value()
    return asked.look("spool", lambda: standings(directory, redis_url))


def maintenance(asked: Asked) -> Sequence[Schedule]:
    """Return how work stands that is due every so often."""
    return asked.read_platform("schedules", list_schedules)


def dispatcher_lag(asked: Asked) -> float:
    """Return for how many seconds the oldest job has been due that no dispatcher has taken up."""
    return max((status.due_seconds for status in statuses(asked)), default=0.0)


def _on(queue: QueueStaffing) -> str:
    if queue.workers:
        return "Paused" if queue.paused else "Worked on"
    return "Nobody works on it: start a worker that takes this queue"


def _kept(store: Standing) -> Item:
    name = f"Spool ({store.store})"
    if store.rejected:
        return Item(State("bad", f"{store.rejected} refused"), f"{name}: kept aside for a person")
    if store.entries:
        words = f"{name}: the oldest of them for {duration(store.oldest_seconds)}"
        return Item(State("limited", f"{store.entries} kept"), words)
    return Item(State("good", "empty"), name)
