"""What somebody who manages people may see and touch, and what the places are called in which roles are given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from uuid import UUID

from sqlalchemy import ColumnElement, and_, column, false, or_, select, table, true

from domain.access.authorize import Box
from domain.access.models import Membership
from domain.kernel.errors import NotFoundError
from domain.kernel.ids import PLATFORM_ORG_ID
from domain.tenancy.models import Organization

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from domain.access.authorize import Reach
    from domain.access.principal import Grant

# Clients are a capability above this one; whether one is there, and whose, is all that is asked.
_CLIENTS: Final = table("clients", column("id"), column("org_id"), column("name"))


class PlaceNotFoundError(NotFoundError):
    """There is no such organization, or no such client in it."""


@dataclass(frozen=True, slots=True)
class Within:
    """What somebody who manages people may see and touch: roles in an organization, in some boxes of it.

    None stands for all. Without an organization, everything: that is the platform's. `by_platform`: they look into this
    organization for the platform, whose the accounts are; so they see what concerns the account as well.
    """

    org_id: UUID | None = None
    boxes: frozenset[Box] | None = None
    by_platform: bool = False

    @classmethod
    def reach(cls, org_id: UUID | None, reach: Reach) -> Within:
        """Return what is within reach of a request about an organization."""
        boxes = None if reach.everywhere or Box() in reach.boxes else reach.boxes
        return cls(org_id, boxes, by_platform=reach.everywhere)

    @property
    def is_everything(self) -> bool:
        """Whether nothing lies beyond."""
        return self.org_id is None and self.boxes is None

    @property
    def sees_accounts(self) -> bool:
        """Whether what belongs to the people themselves is shown: whether there is an account, when it was used."""
        return self.by_platform or self.is_everything

    def condition(self) -> ColumnElement[bool]:
        """Return which memberships those are, invitations included."""
        is_there = true() if self.org_id is None else Membership.org_id == self.org_id
        return is_there if self.boxes is None else and_(is_there, or_(false(), *map(_lies_in, self.boxes)))

    def of_people(self) -> ColumnElement[bool]:
        """Return which memberships show whose they are: those that count, and to the platform all."""
        return self.condition() if self.sees_accounts else self.condition() & Membership.accepted_at.is_not(None)

    def check(self, grant: Grant, user_id: UUID) -> None:
        """Raise PlaceNotFoundError for a role of somebody in a place beyond this."""
        if self.org_id is not None and grant.org_id != self.org_id:
            raise PlaceNotFoundError
        if self.boxes is not None and not any(box.includes(grant.client_id, user_id) for box in self.boxes):
            raise PlaceNotFoundError


EVERYTHING: Final = Within()
"""The reach of the platform, and of whoever runs commands where it is installed."""


def place_name(session: Session, grant: Grant) -> str:
    """Return the name of the organization, or of the client and its organization. Raises PlaceNotFoundError."""
    name = session.scalar(select(Organization.name).where(Organization.id == grant.org_id))
    if name is None:
        raise PlaceNotFoundError
    whole = "Gatehouse" if grant.org_id == PLATFORM_ORG_ID else name
    if grant.client_id is None:
        return whole
    its = select(_CLIENTS.c.name).where(_CLIENTS.c.id == grant.client_id, _CLIENTS.c.org_id == grant.org_id)
    client = session.scalar(its)
    if client is None:
        raise PlaceNotFoundError
    return f"{client} ({whole})"


def _lies_in(box: Box) -> ColumnElement[bool]:
    of_clients = true() if box.clients is None else Membership.client_id.in_(box.clients)
    return and_(of_clients, true() if box.owners is None else Membership.user_id.in_(box.owners))
