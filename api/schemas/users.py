"""People and their roles as documents."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from domain.access.consent import OPEN_FOR
from domain.access.people import LONGEST_ADDRESS
from domain.access.users import LONGEST_NAME, ListedUser, UserState

if TYPE_CHECKING:
    from domain.access.models import Membership

_STRICT = ConfigDict(extra="forbid")
RoleName = Annotated[str, Field(pattern=r"^[a-z][a-z_]{1,62}$", description="`/api/v1/roles` lists them.")]


class GrantDocument(BaseModel):
    """A role to give. `org_id`: that of the request when it is left out; `client_id`: for that client alone.

    `reports_to`: somebody with a role in the same organization.
    """

    model_config = _STRICT

    role: RoleName
    org_id: UUID | None = None
    client_id: UUID | None = None
    reports_to: UUID | None = None


class InvitationDocument(GrantDocument):
    """Somebody to invite."""

    email: Annotated[str, Field(max_length=LONGEST_ADDRESS)]
    name: Annotated[str, Field(max_length=LONGEST_NAME)] = ""


class MembershipDocument(BaseModel):
    """A role that somebody has. Without `client_id` it is for all of the organization.

    `accepted` false: they are invited to it, and it does not count yet.
    """

    id: UUID
    org_id: UUID
    client_id: UUID | None
    role: str
    reports_to: UUID | None
    created_at: datetime
    accepted: bool

    @classmethod
    def of(cls, held: Membership) -> MembershipDocument:
        """Return a role as it is held."""
        return cls(**_role(held), created_at=held.created_at)


class InvitedDocument(BaseModel):
    """What became of inviting somebody, and an invitation as whoever manages people sees it.

    It says what was typed. Whether there is an account of this address, and whose, shows when they accept; then
    `accepted` is true, and `user_id` says who it is. `expires_at`: until when they can.
    """

    id: UUID
    org_id: UUID
    client_id: UUID | None
    role: str
    reports_to: UUID | None
    email: str
    accepted: bool
    user_id: UUID | None
    invited_at: datetime
    invited_by: str
    expires_at: datetime | None

    @classmethod
    def of(cls, held: Membership, email: str | None = None) -> InvitedDocument:
        """Return an invitation, or the role of the person with an address for whom it counted at once."""
        counts = held.accepted_at is not None
        return cls(
            **_role(held),
            email=held.invited_address or email or "",
            user_id=held.user_id if counts else None,
            invited_at=held.created_at,
            invited_by=held.created_by,
            expires_at=None if counts else held.created_at + OPEN_FOR,
        )


class UserDocument(BaseModel):
    """A person, with the roles that are within your reach. `invited`: they have no password yet.

    What is null is their own, and shown to the platform alone: when they signed in, since when there is an account, and
    whether it is disabled.
    """

    id: UUID
    email: str
    name: str
    state: UserState
    second_factor: bool
    last_sign_in_at: datetime | None
    disabled_at: datetime | None
    disabled_reason: str | None
    created_at: datetime | None
    memberships: list[MembershipDocument]

    @classmethod
    def of(cls, listed: ListedUser) -> UserDocument:
        """Return a person as they are listed."""
        user, whole = listed.user, listed.whole
        return cls(
            id=user.id,
            email=user.email,
            name=user.name,
            state=listed.state,
            second_factor=user.totp_confirmed_at is not None,
            last_sign_in_at=user.last_sign_in_at if whole else None,
            disabled_at=user.disabled_at if whole else None,
            disabled_reason=user.disabled_reason if whole else None,
            created_at=user.created_at if whole else None,
            memberships=[MembershipDocument.of(one) for one in listed.memberships],
        )


def _role(held: Membership) -> dict[str, Any]:
    return {
        "id": held.id,
        "org_id": held.org_id,
        "client_id": held.client_id,
        "role": held.role,
        "reports_to": held.reports_to,
        "accepted": held.accepted_at is not None,
    }
