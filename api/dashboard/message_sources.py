"""Parts of the overview about messages, deliveries, decisions, clients, and what waits for a person."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from api.dashboard.job_sources import IN_WORDS
from api.dashboard.parts import Chart, Figure, Item, Items, Rows, Series
from api.dashboard.tables import Column, Link, State, Table
from domain.clients.listing import Which, list_with_organizations
from domain.notices.models import Notice
from domain.notices.raising import open_notices
from domain.statistics.activities import Activity
from domain.statistics.charts import ActivityPoint, activity_points

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from api.dashboard.asked import Asked

MOST_NOTICES: Final = 20
_MOST_GUARDS: Final = 5
_MOST_CLIENTS: Final = 10
_ROLES: Final = ("first", "second", "limited", "waiting", "plain")
_CLIENTS: Final = (
    Column("client", "Client", "link"),
    Column("organization", "Organization"),
    Column("billing", "Billing"),
    Column("since", "Created", "ago"),
)


def deliveries(asked: Asked) -> Chart:
    """Return deliveries, by how far they came; one that arrived was handed over before, so these do not add up."""
    points = _points(asked, Activity.DELIVERY)
    states = [_by_state(point.times) for point in points]
    total: Counter[str] = sum(states, Counter())
    failed = total["failed"] + total["undelivered"]
    return Chart(
        [point.at for point in points],
        [
            Series("Delivered", [state["delivered"] for state in states], "good"),
            Series("Handed over", [state["accepted"] for state in states], "waiting", dashed=True),
            Series("Failed", [state["failed"] + state["undelivered"] for state in states], "bad"),
            Series("Cancelled", [state["cancelled"] for state in states], "plain", dashed=True),
        ],
        f"{total['accepted']:,} handed over, {total['delivered']:,} delivered and {failed:,} failed"
        f" in {IN_WORDS[asked.span]}.",
    )


def gate_blocks(asked: Asked) -> Chart:
    """Return what the gate let not pass, by guard."""
    points = _points(asked, Activity.BLOCKED)
    total: Counter[str] = sum((Counter(point.times) for point in points), Counter())
    guards = [guard for guard, _ in total.most_common(_MOST_GUARDS)]
    most = f", most often by {_in_words(guards[0])}" if guards else ""
    return Chart(
        [point.at for point in points],
        [
            Series(_in_words(guard), [point.times.get(guard, 0) for point in points], _ROLES[place])
            for place, guard in enumerate(guards)
        ],
        f"{total.total():,} blocked in {IN_WORDS[asked.span]}{most}.",
        bars=True,
    )


def conversations(asked: Asked) -> Chart:
    """Return messages that came in, and replies."""
    received, replied = _points(asked, Activity.RECEIVED), _points(asked, Activity.REPLIED)
    came, went = ([sum(point.times.values()) for point in points] for points in (received, replied))
    return Chart(
        [point.at for point in received],
        [Series("Received", came, "first"), Series("Replied", went, "second", dashed=True)],
        f"{sum(came):,} received and {sum(went):,} replies in {IN_WORDS[asked.span]}.",
    )


def leads(asked: Asked) -> Figure:
    """Return how many asked to be called back."""
    count = sum(sum(point.times.values()) for point in _points(asked, Activity.LEAD))
    return Figure(count, f"{'lead' if count == 1 else 'leads'} in {IN_WORDS[asked.span]}")


def clients(asked: Asked) -> Rows:
    """Return clients that are not live yet, the oldest first."""
    which = Which(live=False)
    found = asked.read(
        "clients", lambda session: list_with_organizations(session, which, limit=_MOST_CLIENTS), by="on their way"
    )
    rows = [
        (
            Link(client.name, f"/dashboard/clients/{client.id}"),
            organization.name,
            client.billing_status,
            client.created_at,
        )
        for client, organization in found
    ]
    return Rows(Table(_CLIENTS, rows, empty="Every client is live.", caption="Clients on their way to going live"))


def notices(asked: Asked) -> Items:
    """Return what waits for a person, the newest first."""
    items = [
        Item(State("limited", notice.kind.replace("_", " ")), notice.words, notice.last_at)
        for notice in waiting_notices(asked)
    ]
    return Items(items, "Nothing waits for a person.")


def waiting_notices(asked: Asked) -> Sequence[Notice]:
    """Return the newest open notices within reach."""
    return asked.read("notices", lambda session: open_notices(session, limit=MOST_NOTICES))


def _points(asked: Asked, activity: Activity) -> Sequence[ActivityPoint]:
    def read(session: Session) -> Sequence[ActivityPoint]:
        return activity_points(session, activity, asked.span, now=asked.now)

    return asked.read(f"activity.{activity.value}", read, by=asked.span)


def _by_state(times: Mapping[str, int]) -> Counter[str]:
    """Return the counts of all channels together, by state: a label is `channel.state`."""
    found: Counter[str] = Counter()
    for label, count in times.items():
        found[label.rpartition(".")[2]] += count
    return found


def _in_words(name: str) -> str:
    return name.replace("_", " ")
