"""What somebody is invited to, until they answer or it runs out. All of it needs a platform scope.

An invitation is a membership that nobody has accepted (`memberships.give_role`). It tells its organization what was
typed and nothing of whoever it is for: a refusal is recorded without their name, and what runs out looks the same
whether there was an account or not.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final
from uuid import UUID

from sqlalchemy import ColumnElement, select

from domain.access.memberships import note, shown
from domain.access.models import Membership
from domain.access.people import get_user
from domain.access.principal import Grant
from domain.access.within import place_name
from domain.audit.record import Actor
from domain.kernel.errors import NotFoundError

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from domain.access.roles.book import Hubs
    from domain.access.within import Within

OPEN_FOR: Final = timedelta(days=14)
"""How long an invitation can be accepted, from when it was last made."""
AT_ONCE: Final = 500
"""So many that ran out are swept at once; the rest follows with the next sweep."""
_INVITED: Final = Actor("the invited person", "none")
_GATEHOUSE: Final = Actor("gatehouse", "system")


class InvitationClosedError(NotFoundError):
    """The invitation is not open any more: it was answered, withdrawn, or is too old. Ask for a new one."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A place and a role that somebody is invited to, as they read it, and until when they may accept."""

    id: UUID
    place: str
    role: str
    until: datetime


def offers_to(session: Session, book: Hubs, user_id: UUID, now: datetime) -> Sequence[Offer]:
    """Return what somebody may accept now, the oldest first."""
    query = select(Membership).where(Membership.user_id == user_id, _is_open(now)).order_by(Membership.id)
    return [
        Offer(one.id, place_name(session, _grant(one)), role_name(book, one.role), one.created_at + OPEN_FOR)
        for one in session.scalars(query)
    ]


def accept_offer(session: Session, user_id: UUID, membership_id: UUID, now: datetime, actor: Actor) -> Membership:
    """Let a role count that somebody was invited to. Raises InvitationClosedError."""
    held = _open(session, user_id, membership_id, now)
    _accept(session, held, now, actor)
    return held


def accept_shown(session: Session, user_id: UUID, ids: Collection[UUID], now: datetime, actor: Actor) -> int:
    """Accept those of somebody's open invitations that they were shown; return how many that were."""
    get_user(session, user_id, lock=True)
    theirs = select(Membership).where(Membership.user_id == user_id, Membership.id.in_(ids), _is_open(now))
    found = session.scalars(theirs.order_by(Membership.id).with_for_update()).all()
    for held in found:
        _accept(session, held, now, actor)
    return len(found)


def decline_offer(session: Session, user_id: UUID, membership_id: UUID, now: datetime) -> None:
    """Refuse what somebody was invited to. Its organization is told so, and not by whom.

    Raises InvitationClosedError.
    """
    held = _open(session, user_id, membership_id, now)
    note(session, _INVITED, "membership.declined", held, before=shown(held), after=None)
    session.delete(held)
    session.flush()


def list_invitations(
    session: Session, within: Within, now: datetime, *, limit: int = 50, after: UUID | None = None
) -> Sequence[Membership]:
    """Return the open invitations within reach by their ids; page on with the last id."""
    query = select(Membership).where(within.condition(), _is_open(now)).order_by(Membership.id).limit(limit)
    return session.scalars(query if after is None else query.where(Membership.id > after)).all()


def expire_invitations(session: Session, now: datetime) -> int:
    """Delete invitations that nobody answered in time; return how many."""
    over = select(Membership).where(Membership.accepted_at.is_(None), Membership.created_at <= now - OPEN_FOR)
    oldest = over.order_by(Membership.created_at).limit(AT_ONCE)
    found = session.scalars(oldest.with_for_update(skip_locked=True)).all()
    for held in found:
        note(session, _GATEHOUSE, "membership.expired", held, before=shown(held), after=None)
        session.delete(held)
    session.flush()
    return len(found)


def role_name(book: Hubs, role: str) -> str:
    """Return what a role is called by its file, not by an organization that invites to it."""
    found = book.roles.get(role)
    return found.display_name if found else role.replace("_", " ")


def _open(session: Session, user_id: UUID, membership_id: UUID, now: datetime) -> Membership:
    get_user(session, user_id, lock=True)  # First, as in `give_role`: so the two never wait for each other.
    this = select(Membership).where(Membership.id == membership_id, Membership.user_id == user_id, _is_open(now))
    held = session.scalars(this.with_for_update()).one_or_none()
    if held is None:
        raise InvitationClosedError
    return held


def _accept(session: Session, held: Membership, now: datetime, actor: Actor) -> None:
    before = shown(held)
    held.accepted_at, held.invited_address = now, None
    session.flush()
    # What else they are, elsewhere, is not this organization's.
    here = replace(actor, role=held.role, held=())
    note(session, here, "membership.accepted", held, before=before, after=shown(held))


def _is_open(now: datetime) -> ColumnElement[bool]:
    return Membership.accepted_at.is_(None) & (Membership.created_at > now - OPEN_FOR)


def _grant(held: Membership) -> Grant:
    return Grant(held.role, held.org_id, held.client_id)
