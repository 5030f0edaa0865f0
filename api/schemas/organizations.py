"""Organizations as documents."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from api.schemas.changes import Given
from domain.tenancy.models import OrganizationStatus

Name = Annotated[str, Field(min_length=1, max_length=200, examples=["Harbor Services"])]


class NewOrganizationDocument(Given):
    """An organization to take on. The slug is the first label of its host name, and is not changed later."""

    slug: Annotated[
        str,
        Field(
            min_length=2,
            max_length=63,
            pattern="^[a-z0-9-]+$",
            description="Letters a to z, digits and single hyphens within.",
            examples=["harbor-services"],
        ),
    ]
    name: Name


class OrganizationChanges(Given):
    """What is to be another."""

    name: Name


class OrganizationDocument(BaseModel):
    """An organization. A suspended one is let in nowhere, and nothing is sent for it."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    slug: str
    name: str
    status: OrganizationStatus
    suspended_at: datetime | None
    suspended_reason: str | None
    created_at: datetime
    updated_at: datetime
