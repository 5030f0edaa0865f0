"""Seeing the pages as somebody of a client does: for some minutes, reading only unless stated, written down.

It is a state of a browser's session, so it ends with the session at the latest. The start and every kind of end are
recorded with the client, so that whoever runs a workspace finds who looked in. All of it needs a platform scope.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final
from uuid import UUID

from sqlalchemy import select

from domain.access.models import User, UserSession
from domain.audit.record import Act, Actor, record
from domain.kernel.errors import InvalidInputError, NotFoundError
from domain.kernel.reasons import fit_reason

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

LONGEST: Final = timedelta(minutes=60)


@dataclass(frozen=True, slots=True)
class View:
    """As somebody of which client the pages are seen, until when, and whether something may be changed."""

    org_id: UUID
    client_id: UUID
    client_name: str | None
    until: datetime
    writes: bool = False


def start_view(
    session: Session, actor: Actor, token_hash: bytes, view: View, *, reason: str, now: datetime
) -> datetime:
    """Let a session see the pages as `view` says, instead of as another client; return until when.

    Raises:
        InvalidInputError: it would last for over an hour or not at all.
        ReasonMissingError: nothing says why.
        NotFoundError: the session has ended.

    """
    if not now < view.until <= now + LONGEST:
        raise InvalidInputError("Viewing as a client lasts from 1 to 60 minutes.")
    reason = fit_reason(reason)
    held = session.scalar(select(UserSession).where(UserSession.token_hash == token_hash).with_for_update())
    if held is None:
        raise NotFoundError("This session has ended. Sign in again.")
    note_ended(session, [held], "another view began", actor)
    held.view_org_id, held.view_client_id = view.org_id, view.client_id
    held.view_until = min(view.until, held.expires_at)
    held.view_writes, held.view_reason = view.writes, reason
    after = {"until": held.view_until.isoformat(), "writes": view.writes}
    record(session, actor, _act("view_as.start", view.org_id, view.client_id, after, held.view_reason))
    return held.view_until


def stop_view(session: Session, actor: Actor, token_hash: bytes) -> bool:
    """End what a session sees; False when it saw nothing but its own."""
    held = session.scalar(
        select(UserSession)
        .where(UserSession.token_hash == token_hash, UserSession.view_until.is_not(None))
        .with_for_update()
    )
    if held is None:
        return False
    note_ended(session, [held], "stopped", actor)
    _clear(held)
    return True


def end_overdue(session: Session, now: datetime, token_hash: bytes | None = None) -> int:
    """End what has run out, of one session or of all; return how many."""
    over = UserSession.view_until <= now
    which = over if token_hash is None else over & (UserSession.token_hash == token_hash)
    held = session.scalars(select(UserSession).where(which).with_for_update(skip_locked=True)).all()
    note_ended(session, held, "ran out")
    for one in held:
        _clear(one)
    return len(held)


def note_ended(session: Session, sessions: Iterable[UserSession], how: str, actor: Actor | None = None) -> None:
    """Record the end of what sessions see. Without an actor it is recorded as its holder's, who did not ask for it."""
    for one in sessions:
        if one.view_org_id is not None and one.view_client_id is not None:
            after: dict[str, object] = {"ended": how, "reason": one.view_reason}
            act = _act("view_as.stop", one.view_org_id, one.view_client_id, after, None)
            record(session, actor or _holder(session, one), act)


def _clear(held: UserSession) -> None:
    held.view_org_id = held.view_client_id = held.view_until = held.view_reason = None
    held.view_writes = False


def _holder(session: Session, held: UserSession) -> Actor:
    user = None if held.user_id is None else session.get(User, held.user_id)
    name = "admin token" if user is None else user.name or user.email
    return Actor(name=name, role="view_as", user_id=held.user_id)


def _act(action: str, org_id: UUID, client_id: UUID, after: dict[str, object], reason: str | None) -> Act:
    return Act(action, "client", str(client_id), reason=reason, after=after, org_id=org_id, client_id=client_id)
