"""Give roles to people and take them away. All of it needs a platform scope, and says itself what may be touched.

A role puts somebody's name and sign-ins before an organization, and its pages into their account. So it takes their
consent: it counts once they have accepted it (`consent`), or at once in the cases of `_counts_at_once`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from uuid import UUID

from sqlalchemy import ColumnElement, select, text

from domain.access.administrators import keep_an_administrator
from domain.access.delegation import require_no_further
from domain.access.grants import reports_of
from domain.access.models import Membership
from domain.access.people import get_user
from domain.access.principal import Grant, Principal
from domain.access.within import EVERYTHING, Within, place_name
from domain.audit.record import Act, Actor, record
from domain.kernel.errors import ConflictError, InvalidInputError, NotFoundError
from domain.kernel.ids import PLATFORM_ORG_ID, new_id
from domain.kernel.redaction import redact_email

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from domain.access.authorize import RoleBook

_LOCK: Final = text("SELECT pg_advisory_xact_lock(hashtextextended('access.reports:' || :org_id, 0))")


class MembershipNotFoundError(NotFoundError):
    """There is no such role of this person."""


class RoleUnknownError(InvalidInputError):
    """There is no such role."""


class ReportingCircleError(ConflictError):
    """Then they would report to themselves, through others. Choose somebody who does not report to them."""


@dataclass(frozen=True, slots=True)
class Giver:
    """Who gives or takes, and how far they may. `principal` None: whoever runs the installation, who may all."""

    actor: Actor
    within: Within = EVERYTHING
    principal: Principal | None = None


def give_role(
    session: Session,
    book: RoleBook,
    user_id: UUID,
    grant: Grant,
    giver: Giver,
    now: datetime,
    *,
    reports_to: UUID | None = None,
) -> Membership:
    """Give somebody a role, or invite them to it; one that they have stays, with `reports_to` as it is said now.

    It counts at once, or when they accept (`accepted_at`); inviting again renews the invitation.

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
    user = get_user(session, user_id, lock=True)
    this = select(Membership).where(Membership.user_id == user_id, _is(grant))
    # Who withdraws it, and the sweep, do not hold the person; so it is held itself until it is renewed.
    held = session.scalars(this.with_for_update()).one_or_none()
    counts = held is not None and held.accepted_at is not None
    if held is not None and counts and held.reports_to == reports_to:
        return held
    if reports_to is not None:
        _check_line(session, giver.within, user_id, grant.org_id, reports_to)
    before = None if held is None else shown(held)
    if held is None:
        held = Membership(id=new_id(), org_id=grant.org_id, client_id=grant.client_id, user_id=user_id, role=grant.role)
        session.add(held)
    held.reports_to = reports_to
    if not counts:
        held.created_at, held.created_by = now, giver.actor.name
        at_once = _counts_at_once(session, user_id, grant.org_id, giver)
        held.accepted_at, held.invited_address = (now, None) if at_once else (None, user.email)
    session.flush()
    action = "user.invited" if held.accepted_at is None else "membership.given"
    note(session, giver.actor, action, held, before=before, after=shown(held))
    return held


def _counts_at_once(session: Session, user_id: UUID, org_id: UUID, giver: Giver) -> bool:
    """Whether a role counts as soon as it is given. This is the one place that says so.

    Whoever runs the installation answers for its accounts, and needs no leave. Who has accepted a role of the same
    organization belongs to it: what they are there is its own affair. Everybody else is asked, because an organization
    that could name anybody as its own would learn whether, when and from where they sign in, and could push its pages
    in front of theirs. An invitation says nothing back, not even whether there is such an account.
    """
    if giver.principal is None:
        return True
    belongs = select(Membership.id).where(
        Membership.user_id == user_id, Membership.org_id == org_id, Membership.accepted_at.is_not(None)
    )
    return session.scalar(belongs.limit(1)) is not None


def take_role(session: Session, book: RoleBook, user_id: UUID, membership_id: UUID, giver: Giver) -> None:
    """Take a role from somebody. What they had open with it is refused from then on.

    What they have yet to accept is withdrawn by its own id: taken from somebody, it would say whose it is.

    Raises:
        MembershipNotFoundError: they have none such, or it is beyond what the taker may touch.
        ReachesTooFarError: the role may do what the taker may not.
        LastAdministratorError: nobody would be left to administer the platform.

    """
    theirs = (Membership.id == membership_id) & (Membership.user_id == user_id)
    _take(session, book, theirs & giver.within.of_people(), giver)


def withdraw_invitation(session: Session, book: RoleBook, membership_id: UUID, giver: Giver) -> None:
    """Take an invitation back that nobody has accepted. Raises as `take_role`."""
    _take(session, book, (Membership.id == membership_id) & Membership.accepted_at.is_(None), giver)


def _take(session: Session, book: RoleBook, which: ColumnElement[bool], giver: Giver) -> None:
    held = session.scalars(select(Membership).where(which, giver.within.condition()).with_for_update()).one_or_none()
    if held is None:
        raise MembershipNotFoundError
    _check_power(book, giver, Grant(held.role, held.org_id, held.client_id), held.user_id)
    if held.org_id == PLATFORM_ORG_ID:
        keep_an_administrator(session, book, without_membership=held.id)
    note(session, giver.actor, "membership.taken", held, before=shown(held), after=None)
    session.delete(held)
    session.flush()


def memberships_of(session: Session, user_ids: Sequence[UUID], within: Within) -> Sequence[Membership]:
    """Return the roles of some people, as far as they are within reach, the oldest first.

    To the platform also what they are invited to.
    """
    query = select(Membership).where(Membership.user_id.in_(user_ids), within.of_people()).order_by(Membership.id)
    return session.scalars(query).all()


def shown(held: Membership) -> dict[str, object]:
    """Return what the audit log says of a role, and of an invitation the address that was typed, redacted."""
    said = {"role": held.role, "client_id": held.client_id, "reports_to": held.reports_to}
    plain: dict[str, object] = {name: value and str(value) for name, value in said.items()}
    return plain if held.invited_address is None else plain | {"address": redact_email(held.invited_address)}


def note(
    session: Session,
    actor: Actor,
    action: str,
    held: Membership,
    *,
    before: dict[str, object] | None,
    after: dict[str, object] | None,
) -> None:
    """Record what became of a role, where it was given. Of an invitation the entry does not say whose account it is."""
    target = ("invitation", str(held.id)) if held.accepted_at is None else ("user", str(held.user_id))
    record(session, actor, Act(action, *target, None, before, after, held.org_id, held.client_id))


def _check_power(book: RoleBook, giver: Giver, grant: Grant, user_id: UUID) -> None:
    if giver.principal is None:
        return
    made = Principal(kind="user", name="", grants=(grant,), id=user_id)
    require_no_further(book, giver.principal, made, grant.org_id)


def _check_line(session: Session, within: Within, user_id: UUID, org_id: UUID, reports_to: UUID) -> None:
    session.execute(_LOCK, {"org_id": str(org_id)})  # Two changes at once could close a circle that neither sees.
    of_them = select(Membership.id).where(
        Membership.user_id == reports_to,
        Membership.org_id == org_id,
        Membership.accepted_at.is_not(None),
        within.condition(),
    )
    # Who reports to somebody, that one sees the work of; so it has to be somebody whom the giver manages as well.
    if session.scalar(of_them.limit(1)) is None:
        raise InvalidInputError("Whom they report to has to have a role in the same organization, within your reach.")
    if reports_to == user_id or reports_to in reports_of(session, user_id, org_id, invited=True):
        raise ReportingCircleError


def _is(grant: Grant) -> ColumnElement[bool]:
    same = (Membership.org_id == grant.org_id) & (Membership.role == grant.role)
    return same & Membership.client_id.is_not_distinct_from(grant.client_id)
