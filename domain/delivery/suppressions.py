"""What an operator sees of addresses that must not be written to, and may do about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from domain.audit.record import Act, Actor, record
from domain.delivery.models import OptOut
from domain.delivery.opt_outs import Channel
from domain.kernel.errors import InvalidInputError, NotFoundError
from domain.webhooks.emit import emit
from domain.webhooks.events import EventType

BY_THE_RECIPIENT: Final = frozenset({"keyword", "provider", "complaint", "unsubscribe"})
"""Sources that are the recipient's own wish; `provider`: it told the provider, who refuses to send until it takes that
back."""


class NotSuppressedError(NotFoundError):
    """There is no such suppression. It may have been lifted."""


class ReasonNeededError(InvalidInputError):
    """The recipient itself asked not to be written to. Say why it may be: when and how it asked again."""


@dataclass(frozen=True, slots=True)
class Which:
    """Which suppressions to list; None leaves a condition out."""

    client_id: UUID | None = None
    channel: Channel | None = None
    address: str | None = None


def list_suppressions(session: Session, which: Which, *, limit: int, before_id: UUID | None = None) -> Sequence[OptOut]:
    """Return suppressions of this scope, newest first; with `before_id` those older than that one."""
    statement = select(OptOut).order_by(OptOut.id.desc()).limit(limit)
    if which.client_id is not None:
        statement = statement.where(OptOut.client_id == which.client_id)
    if which.channel is not None:
        statement = statement.where(OptOut.channel == which.channel)
    if which.address is not None:
        statement = statement.where(OptOut.address == which.address.lower())
    if before_id is not None:
        statement = statement.where(OptOut.id < before_id)
    return session.scalars(statement).all()


def lift(session: Session, suppression_id: UUID, actor: Actor, *, because: str | None) -> None:
    """Let an address be written to again, on record, and tell the tenant's endpoints.

    Raises NotSuppressedError; ReasonNeededError when the recipient itself asked not to be written to and `because` is
    empty: without its consent nobody may lift that, and the reason is what shows it later.
    """
    found = session.scalar(select(OptOut).where(OptOut.id == suppression_id).with_for_update())
    if found is None:
        raise NotSuppressedError
    reason = (because or "").strip()
    if found.source in BY_THE_RECIPIENT and not reason:
        raise ReasonNeededError
    shown = {
        "channel": found.channel,
        "address": found.address,
        "source": found.source,
        "since": str(found.opted_out_at),
    }
    act = Act(
        action="suppression.lift",
        target_type="suppression",
        target_id=str(found.id),
        reason=reason or None,
        before=shown,
        org_id=found.org_id,
        client_id=found.client_id,
    )
    record(session, actor, act)
    session.delete(found)
    emit(
        session,
        EventType.CONTACT_OPTED_IN,
        {"channel": found.channel, "address": found.address, "source": "operator", "message_id": None},
        org_id=found.org_id,
        client_id=found.client_id,
    )
