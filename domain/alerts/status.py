"""Whether a client's owner would be alerted now, by which channels, and what to do when not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final
from uuid import UUID

from sqlalchemy import select

from domain.alerts.owners import read_owner
from domain.alerts.past import ChannelPast, past_of
from domain.alerts.policy import CHANNELS, Channel, Owner, channels_to_use, problem_of, reaches, words_of
from domain.alerts.sending import note_reach
from domain.gate.policy import can_process_notification_request
from domain.gate.snapshot import load_snapshot
from domain.notices.models import Notice
from domain.notices.raising import NoticeKind

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

BATCH: Final = 500


@dataclass(frozen=True, slots=True)
class ChannelStatus:
    """One channel: whether the owner chose it, whether an alert would use it now, and what is wrong with it."""

    channel: Channel
    chosen: bool
    used: bool
    reason: str | None
    remedy: str | None


@dataclass(frozen=True, slots=True)
class AlertStatus:
    """Whether an alert would reach the owner now. `stopped`: why the gate lets none pass; `words`: all of it in one."""

    reachable: bool
    channels: Sequence[ChannelStatus]
    stopped: str | None
    words: str


def alert_status(session: Session, client_id: UUID, *, now: datetime) -> AlertStatus:
    """Return how a client's alerts stand at `now`. Raises NotFoundError: there is no such client in this scope."""
    owner = read_owner(session, client_id)
    # Nothing is acted on, so the decision is not put on record.
    decision = can_process_notification_request(load_snapshot(session, client_id, now=now))
    stopped = None if decision.allowed else decision.reason
    used = channels_to_use(owner) if decision.allowed else ()
    return AlertStatus(
        reachable=decision.allowed and reaches(owner),
        channels=[_channel(owner, channel, used=channel in used) for channel in CHANNELS],
        stopped=stopped,
        words=words_of(owner, stopped),
    )


def channels_past(session: Session, client_id: UUID) -> Mapping[Channel, ChannelPast]:
    """Return how the channels did so far, whatever the owner's address was then."""
    return past_of(session, [client_id])[client_id]


def refresh_notice(session: Session, client_id: UUID, *, now: datetime) -> AlertStatus:
    """Return how a client's alerts stand, and resolve the notice of an owner who can be reached again."""
    status = alert_status(session, client_id, now=now)
    if status.reachable:
        note_reach(session, read_owner(session, client_id), client_id, reached=True, words=status.words)
    return status


def recheck(session: Session, *, now: datetime) -> int:
    """Resolve the notices of all owners in scope that can be reached again; return how many that were."""
    noticed = session.scalars(
        select(Notice.client_id)
        .where(Notice.kind == NoticeKind.OWNER_UNREACHABLE, Notice.resolved_at.is_(None), Notice.client_id.is_not(None))
        .order_by(Notice.last_at.desc())
        .limit(BATCH)
    ).all()
    return sum(refresh_notice(session, client_id, now=now).reachable for client_id in noticed if client_id is not None)


def _channel(owner: Owner, channel: Channel, *, used: bool) -> ChannelStatus:
    problem = problem_of(owner, channel)
    return ChannelStatus(
        channel=channel,
        chosen=owner.chose(channel),
        used=used,
        reason=problem.reason if problem else None,
        remedy=problem.remedy if problem else None,
    )
