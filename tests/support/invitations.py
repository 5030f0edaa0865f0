"""Invitations in tests: who sends them, and the worker that writes to whoever is invited."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import text

from domain.access.authorize import Box
from domain.access.consent import offers_to
from domain.access.invitations import Invitation, answer_invitation, invite
from domain.access.means import AccountMeans
from domain.access.memberships import Giver, give_role, memberships_of
from domain.access.messages import SendAccountLetter, SendInvitation
from domain.access.ports import Letter, Posted
from domain.access.principal import Grant, Principal
from domain.access.within import Within
from domain.kernel.clock import ManualClock
from domain.kernel.database import raw_connection
from domain.kernel.ids import new_id
from domain.queue.claim import claim
from domain.queue.message import decode
from domain.queue.presence import WorkerInfo, register
from domain.queue.run import Run
from tests.support.people import BOOK, NOW, OPERATOR, PLATFORM_ADMIN, SEALER, Place

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from domain.access.consent import Offer
    from domain.access.models import Membership
    from domain.kernel.database import Database


class NoPost:
    """A `Post` that takes everything."""

    def send(self, letter: Letter) -> Posted:
        del letter
        return Posted("taken")


def lead_of(place: Place) -> Giver:
    """Return somebody who manages all people of an organization."""
    lead = Principal(kind="user", name="Lead", grants=(Grant("implementation_lead", place.org_id),), id=new_id())
    return Giver(OPERATOR, Within(place.org_id), lead)


def boss_of(place: Place) -> Giver:
    """Return somebody who manages the people of one client."""
    boss = Grant("workspace_admin", place.org_id, place.client_id)
    within = Within(place.org_id, frozenset({Box(frozenset({place.client_id}))}))
    return Giver(OPERATOR, within, Principal(kind="user", name="Boss", grants=(boss,), id=new_id()))


def of_platform() -> Giver:
    """Return somebody of the platform, who acts through the API."""
    return Giver(OPERATOR, Within(), Principal(kind="user", name="Admin", grants=(PLATFORM_ADMIN,), id=new_id()))


def invited(database: Database, email: str, grant: Grant, giver: Giver, now: datetime = NOW) -> Membership:
    """Invite somebody, and let a worker find out which letter to write."""
    with database.platform_scope() as session:
        held = invite(session, BOOK, Invitation(email, grant), giver, now)
    answer_all(database, now)
    return held


def answer_all(database: Database, now: datetime = NOW) -> int:
    """Do what a worker does with invitations that wait; return how many letters that makes."""
    before = len(letters(database))
    with database.platform_scope() as session:
        connection, worker_id = raw_connection(session), new_id()
        register(connection, WorkerInfo(worker_id, "test", 1, ["default"], 1, "0"))
        waiting = text("SELECT id FROM jobs WHERE kind = 'access.invitation' AND state = 'available' ORDER BY id")
        ids = session.scalars(waiting).all()
        found = claim(connection, worker_id, ids) if ids else []
    means = AccountMeans(NoPost(), SEALER, ManualClock(now), "https://gatehouse.test")
    for claimed in found:
        answer_invitation(decode(SendInvitation, claimed.args), Run(claimed, database), means)
    return len(letters(database)) - before


def letters(database: Database) -> Sequence[SendAccountLetter]:
    """Return the letters that wait to be sent, the oldest first."""
    with database.platform_scope() as session:
        query = text("SELECT args FROM jobs WHERE kind = 'access.letter' ORDER BY id")
        return [decode(SendAccountLetter, args) for args in session.scalars(query)]


def give(
    database: Database, user_id: UUID, grant: Grant, giver: Giver, *, reports_to: UUID | None = None
) -> Membership:
    """Give somebody a role, or invite them to it."""
    with database.platform_scope() as session:
        return give_role(session, BOOK, user_id, grant, giver, NOW, reports_to=reports_to)


def offers(database: Database, user_id: UUID) -> Sequence[Offer]:
    """Return what somebody may accept."""
    with database.platform_scope() as session:
        return offers_to(session, BOOK, user_id, NOW)


def only(database: Database, user_id: UUID, place: Place | None = None) -> Membership:
    """Return the one role, or invitation, that somebody has (in a place)."""
    with database.platform_scope() as session:
        (held,) = memberships_of(session, [user_id], Within(place.org_id if place else None, by_platform=True))
    return held


def viewer(place: Place, client_id: UUID | None = None) -> Grant:
    """Return a role for one client."""
    return Grant("workspace_viewer", place.org_id, client_id or place.client_id)


def crew(place: Place) -> Grant:
    """Return a role in all of an organization."""
    return Grant("crew", place.org_id)
