"""Give roles to people and take them away. All of it needs a platform scope, and says itself what may be touched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from uuid import UUID

from sqlalchemy import ColumnElement, and_, column, false, or_, select, table, text, true

from domain.access.administrators import keep_an_administrator
from domain.access.authorize import Box
from domain.access.delegation import require_no_further
from domain.access.grants import reports_of
from domain.access.models import Membership
from domain.access.people import get_user
from domain.access.principal import Grant, Principal
from domain.audit.record import Act, Actor, record
from domain.kernel.errors import ConflictError, InvalidInputError, NotFoundError
from domain.kernel.ids import PLATFORM_ORG_ID, new_id
from domain.tenancy.models import Organization

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from domain.access.authorize import Reach, RoleBook

# Clients are a capability above this one; whether one is there, and whose, is all that is asked.
_CLIENTS: Final = table("clients", column("id"), column("org_id"))
_LOCK: Final = text("SELECT pg_advisory_xact_lock(hashtextextended('access.reports:' || :org_id, 0))")


class MembershipNotFoundError(NotFoundError):
    """There is no such role of this person."""


class PlaceNotFoundError(NotFoundError):
    """There is no such organization, or no such client in it."""


class RoleUnknownError(InvalidInputError):
    """There is no such role."""


class ReportingCircleError(ConflictError):
    """Then they would report to themselves, through others. Choose somebody who does not report to them."""


@dataclass(frozen=True, slots=True)
class Within:
    """What somebody who manages people may see and touch: roles in an organization, in some boxes of it.

    None stands for all. Without an organization, everything: that is the platform's.
    """

    org_id: UUID | None = None
    boxes: frozenset[Box] | None = None

    @classmethod
    def reach(cls, org_id: UUID | None, reach: Reach) -> Within:
        """Return what is within reach of a request about an organization."""
        return cls(org_id, None if reach.everywhere or Box() in reach.boxes else reach.boxes)

    def condition(self) -> ColumnElement[bool]:
        """Return which memberships those are."""
        is_there = true() if self.org_id is None else Membership.org_id == self.org_id
        return is_there if self.boxes is None else and_(is_there, or_(false(), *map(_lies_in, self.boxes)))

    def check(self, grant: Grant, user_id: UUID) -> None:
        """Raise PlaceNotFoundError for a role of somebody in a place beyond this."""
        if self.org_id is not None and grant.org_id != self.org_id:
            raise PlaceNotFoundError
        if self.boxes is not None and not any(box.includes(grant.client_id, user_id) for box in self.boxes):
            raise PlaceNotFoundError


@dataclass(frozen=True, slots=True)
class Giver:
    """Who gives or takes, and how far they may. `principal` None: whoever runs the installation, who may all."""

    actor: Actor
    within: Within = Within()
    principal: Principal | None = None


def give_role(
    session: Session, book: RoleBook, user_id: UUID, grant: Grant, giver: Giver, *, reports_to: UUID | None = None
) -> Membership:
    """Give somebody a role; one that they have stays, with `reports_to` as it is said now.

    Raises:
        RoleUnknownError, PlaceNotFoundError: there is no such role or place.
        ReachesTooFarError: the role may do what the giver may not.
        ReportingCircleError: they would report to themselves.

    """
    giver.within.check(grant, user_id)
    if not any(book.scope_of(grant.role, permission, grant.org_id) for permission in book.permissions):
        raise RoleUnknownError(f"There is no role {grant.role!r}.")
    place_name(session, grant)
    _check_power(book, giver, grant, user_id)
    get_user(session, user_id, lock=True)
    held = session.scalars(select(Membership).where(Membership.user_id == user_id, _is(grant))).one_or_none()
    if held is not None and held.reports_to == reports_to:
        return held
    if reports_to is not None:
        _check_line(session, giver.within, user_id, grant.org_id, reports_to)
    before = None if held is None else _shown(held)
    if held is None:
        held = Membership(
            id=new_id(),
            org_id=grant.org_id,
            client_id=grant.client_id,
            user_id=user_id,
            role=grant.role,
            created_by=giver.actor.name,
        )
        session.add(held)
    held.reports_to = reports_to
    session.flush()
    _record(session, giver.actor, "membership.given", held, before=before, after=_shown(held))
    return held


def take_role(session: Session, book: RoleBook, user_id: UUID, membership_id: UUID, giver: Giver) -> None:
    """Take a role from somebody. What they had open with it is refused from then on.

    Raises:
        MembershipNotFoundError: they have none such, or it is beyond what the taker may touch.
        ReachesTooFarError: the role may do what the taker may not.
        LastAdministratorError: nobody would be left to administer the platform.

    """
    which = select(Membership).where(
        Membership.id == membership_id, Membership.user_id == user_id, giver.within.condition()
    )
    held = session.scalars(which.with_for_update()).one_or_none()
    if held is None:
        raise MembershipNotFoundError
    _check_power(book, giver, Grant(held.role, held.org_id, held.client_id), user_id)
    if held.org_id == PLATFORM_ORG_ID:
        keep_an_administrator(session, book, without_membership=held.id)
    _record(session, giver.actor, "membership.taken", held, before=_shown(held), after=None)
    session.delete(held)
    session.flush()


def memberships_of(session: Session, user_ids: Sequence[UUID], within: Within) -> Sequence[Membership]:
    """Return the roles of some people, as far as they are within reach, the oldest first."""
    query = select(Membership).where(Membership.user_id.in_(user_ids), within.condition()).order_by(Membership.id)
    return session.scalars(query).all()


def place_name(session: Session, grant: Grant) -> str:
    """Return the name of the organization in which a role is given. Raises PlaceNotFoundError."""
    name = session.scalar(select(Organization.name).where(Organization.id == grant.org_id))
    if name is None:
        raise PlaceNotFoundError
    if grant.client_id is not None:
        its = select(_CLIENTS.c.id).where(_CLIENTS.c.id == grant.client_id, _CLIENTS.c.org_id == grant.org_id)
        if session.scalar(its) is None:
            raise PlaceNotFoundError
    return "Gatehouse" if grant.org_id == PLATFORM_ORG_ID else name


def _check_power(book: RoleBook, giver: Giver, grant: Grant, user_id: UUID) -> None:
    if giver.principal is None:
        return
    made = Principal(kind="user", name="", grants=(grant,), id=user_id)
    require_no_further(book, giver.principal, made, grant.org_id)


def _check_line(session: Session, within: Within, user_id: UUID, org_id: UUID, reports_to: UUID) -> None:
    session.execute(_LOCK, {"org_id": str(org_id)})  # Two changes at once could close a circle that neither sees.
    of_them = select(Membership.id).where(
        Membership.user_id == reports_to, Membership.org_id == org_id, within.condition()
    )
    # Who reports to somebody, that one sees the work of; so it has to be somebody whom the giver manages as well.
    if session.scalar(of_them.limit(1)) is None:
        raise InvalidInputError("Whom they report to has to have a role in the same organization, within your reach.")
    if reports_to == user_id or reports_to in reports_of(session, user_id, org_id):
        raise ReportingCircleError


def _lies_in(box: Box) -> ColumnElement[bool]:
    of_clients = true() if box.clients is None else Membership.client_id.in_(box.clients)
    return and_(of_clients, true() if box.owners is None else Membership.user_id.in_(box.owners))


def _is(grant: Grant) -> ColumnElement[bool]:
    same = (Membership.org_id == grant.org_id) & (Membership.role == grant.role)
    return same & Membership.client_id.is_not_distinct_from(grant.client_id)


def _shown(held: Membership) -> dict[str, object]:
    said = {"role": held.role, "client_id": held.client_id, "reports_to": held.reports_to}
    return {name: value and str(value) for name, value in said.items()}


def _record(
    session: Session,
    actor: Actor,
    action: str,
    held: Membership,
    *,
    before: dict[str, object] | None,
    after: dict[str, object] | None,
) -> None:
    act = Act(action, "user", str(held.user_id), None, before, after, held.org_id, held.client_id)
    record(session, actor, act)
