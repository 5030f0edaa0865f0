"""Send a test notification, and say in plain words what became of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final
from uuid import UUID

from sqlalchemy import select

from domain.alerts.owners import read_owner
from domain.alerts.past import NEWEST_TO_OWNERS, parameters
from domain.alerts.policy import CHANNELS, NOT_ALERTED, Channel, problem_of
from domain.alerts.sending import Post, ask_gate, send
from domain.alerts.wording import trial
from domain.audit.record import Act, Actor, record
from domain.delivery.models import Delivery
from domain.kernel.database import raw_connection
from domain.kernel.errors import ConflictError

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

_WORKS: Final = frozenset({"accepted", "sent", "delivered"})
_ENDED: Final = frozenset({"delivered", "undelivered", "failed", "cancelled"})
_WORDS: Final[Mapping[str, str]] = {
    "pending": "It still waits to be sent. See whether a worker runs: gatehouse doctor.",
    "sending": "It is being sent.",
    "unknown": "The provider did not say whether it took it; that is being looked up.",
    "accepted": "The provider has taken it. If it does not arrive within some minutes, check the address.",
    "sent": "The provider has sent it. If it does not arrive within some minutes, check the address.",
    "delivered": "It has arrived.",
    "undelivered": "It did not arrive.",
    "failed": "It failed.",
    "cancelled": "It was stopped.",
}
_LAST: Final = f"""
    SELECT way.channel, last.id, last.state, last.error_text, last.created_at FROM {NEWEST_TO_OWNERS}
"""  # noqa: S608  # a constant


class CannotTestError(ConflictError):
    """Nothing could carry a test notification."""


@dataclass(frozen=True, slots=True)
class Trial:
    """Test notifications on their way. `not_sent`: why a chosen channel carries none."""

    delivery_ids: Sequence[UUID]
    not_sent: Mapping[Channel, str]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one test notification. `works` is None while that can't be told."""

    channel: str
    delivery_id: UUID
    state: str
    works: bool | None
    ended: bool
    words: str


def request_trial(session: Session, client_id: UUID, actor: Actor, *, now: datetime) -> Trial | CannotTestError:
    """Send a test notification by each channel that the owner chose.

    Returns (so that the gate's decision stays on record) the error that says why nothing can be sent. Raises
    NotFoundError: there is no such client in this scope.
    """
    owner = read_owner(session, client_id)
    act = Act(
        "notifications.test", "client", str(client_id), after={"channel": owner.channel}, org_id=owner.org_id,
        client_id=client_id,
    )  # fmt: skip
    record(session, actor, act)
    stopped = ask_gate(session, client_id, subject=f"test:{client_id}", correlation_id=None, now=now)
    if stopped is not None:
        return CannotTestError(f"{NOT_ALERTED} {stopped}")
    chosen = [channel for channel in CHANNELS if owner.chose(channel)]
    if not chosen:
        return CannotTestError(f"{NOT_ALERTED} Alerts are turned off for this client. Choose text messages or e-mail.")
    problems = {channel: problem_of(owner, channel) for channel in chosen}
    not_sent = {
        channel: f"{problem.reason} {problem.remedy}"
        for channel, problem in problems.items()
        if problem is not None and not problem.still_tried
    }
    post = Post(owner, client_id, trial(owner.client_name), purpose="test")
    delivery_ids, reason = send(session, post, [channel for channel in chosen if channel not in not_sent])
    if not delivery_ids:
        return CannotTestError(f"{NOT_ALERTED} {' '.join(not_sent.values()) or reason}")
    return Trial(delivery_ids, not_sent)


def verdicts(session: Session, delivery_ids: Sequence[UUID]) -> Sequence[Verdict]:
    """Return what became of test notifications so far, in the order of the channels."""
    rows = session.execute(
        select(Delivery.channel, Delivery.id, Delivery.state, Delivery.error_text)
        .where(Delivery.id.in_(delivery_ids))
        .order_by(Delivery.id)
    )
    return [_verdict(*row) for row in rows]


@dataclass(frozen=True, slots=True)
class PastTrial:
    """A test notification that was sent, and when it was asked for."""

    asked_at: datetime
    verdict: Verdict


def last_trials(session: Session, client_id: UUID) -> Sequence[PastTrial]:
    """Return the last test notification by each channel, in the order of the channels; none for one without."""
    session.flush()
    rows = raw_connection(session).execute(_LAST, parameters([client_id], "test")).fetchall()
    found = {row[0]: PastTrial(row[4], _verdict(*row[:4])) for row in rows}
    return [found[channel] for channel in CHANNELS if channel in found]


def _verdict(channel: str, delivery_id: UUID, state: str, error: str | None) -> Verdict:
    ended = state in _ENDED
    works = True if state in _WORKS else False if ended else None
    words = " ".join(part for part in (_WORDS.get(state, state), error) if part)
    return Verdict(channel, delivery_id, state, works, ended, words)
