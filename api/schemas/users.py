"""People and their roles as documents."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from domain.access.people import LONGEST_ADDRESS
from domain.access.users import LONGEST_NAME, ListedUser, UserState

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
    """A role that somebody has. Without `client_id` it is for all of the organization."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    org_id: UUID
    client_id: UUID | None
    role: str
    reports_to: UUID | None
    created_at: datetime


class UserDocument(BaseModel):
    """A person, with the roles that are within your reach. `invited`: they have yet to accept."""

    id: UUID
    email: str
    name: str
    state: UserState
    second_factor: bool
    last_sign_in_at: datetime | None
    disabled_at: datetime | None
    disabled_reason: str | None
    created_at: datetime
    memberships: list[MembershipDocument]

    @classmethod
    def of(cls, listed: ListedUser) -> UserDocument:
        """Return a person as they are listed."""
        user = listed.user
        return cls(
            id=user.id,
            email=user.email,
            name=user.name,
            state=listed.state,
            second_factor=user.totp_confirmed_at is not None,
            last_sign_in_at=user.last_sign_in_at,
            disabled_at=user.disabled_at,
            disabled_reason=user.disabled_reason,
            created_at=user.created_at,
            memberships=[MembershipDocument.model_validate(one) for one in listed.memberships],
        )
