"""API keys as documents."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from domain.access.key_makers import Maker
from domain.access.models import ApiKey

_STRICT = ConfigDict(extra="forbid")
_MOST_SCOPES = 200
_LONGEST_OVERLAP_HOURS = 30 * 24


class NewKeyDocument(BaseModel):
    """A key to create: a role in an organization, or for one client of it.

    `org_id`: the request's own organization when left out. `scopes`: the permissions of the role that the key has; all
    of them when left out.
    """

    model_config = _STRICT

    name: Annotated[str, Field(min_length=1, max_length=100)]
    role: Annotated[str, Field(pattern=r"^[a-z][a-z_]{1,62}$")]
    org_id: UUID | None = None
    client_id: UUID | None = None
    scopes: Annotated[list[Annotated[str, Field(max_length=100)]], Field(max_length=_MOST_SCOPES)] | None = None
    expires_at: AwareDatetime | None = None


class RotationDocument(BaseModel):
    """For how long the key that is replaced works on."""

    model_config = _STRICT

    overlap_hours: Annotated[float, Field(ge=0, le=_LONGEST_OVERLAP_HOURS, allow_inf_nan=False)] = 24


class RevocationDocument(BaseModel):
    """Why a key is to work no more."""

    model_config = _STRICT

    reason: Annotated[str, Field(min_length=1, max_length=500)]


class KeyDocument(BaseModel):
    """A key without its secret. `replaces`: the key that it was rotated from; `last_used_at`: to the minute.

    `maker`: whether who made it is still `here`, has `left` (it works all the same), or was `nobody` with an account.
    """

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    org_id: UUID
    client_id: UUID | None
    name: str
    prefix: str
    role: str
    scopes: list[str] | None
    created_by: str
    maker: Maker = "nobody"
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None
    replaces: UUID | None

    @classmethod
    def about(cls, row: ApiKey, maker: Maker) -> KeyDocument:
        """Return a key's row and how its maker stands."""
        return KeyDocument.model_validate(row).model_copy(update={"maker": maker})


class CreatedKey(KeyDocument):
    """A key that was just made. `key` is what a machine sends as a bearer; it is shown this once."""

    key: str

    @classmethod
    def of(cls, row: ApiKey, key: str) -> CreatedKey:
        """Return a row with the key that was made for it, by whoever asked."""
        about = KeyDocument.about(row, "nobody" if row.created_by_user is None else "here")
        return cls(**about.model_dump(), key=key)


class RotatedKey(CreatedKey):
    """A key in place of another one, which works until `previous_until`."""

    previous_until: datetime
