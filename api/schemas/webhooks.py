"""Webhook endpoints, sends and replays as documents."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from domain.webhooks.listing import ListedSend
from domain.webhooks.models import Endpoint, SendState

_STRICT = ConfigDict(extra="forbid")
Url = Annotated[
    str, Field(max_length=4096, description="https:// in production; never an address of a private network")
]
Events = Annotated[list[str], Field(max_length=50, description='types of events, or "*" for all')]


class NewEndpointDocument(BaseModel):
    """An endpoint to create. With `client_id` it is told of that client alone.

    Whoever works for several organizations names one, here or in `X-Org-Id`.
    """

    model_config = _STRICT

    org_id: UUID | None = None
    client_id: UUID | None = None
    url: Url
    events: Events
    description: str = ""


class ChangesDocument(BaseModel):
    """What is to be another; what is left out stays."""

    model_config = _STRICT

    url: Url | None = None
    events: Events | None = None
    description: str | None = None


class DisableDocument(BaseModel):
    """Why an endpoint is to be called no more."""

    model_config = _STRICT

    reason: Annotated[str, Field(min_length=1)]


class RangeDocument(BaseModel):
    """Which events to send again: from `from` up to, not including, `to`.

    `types`: the endpoint's own when left out. `only_missed`: not those that it took before.
    """

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    start: AwareDatetime = Field(alias="from")
    end: AwareDatetime = Field(alias="to")
    types: list[str] = Field(default_factory=list, max_length=50)
    only_missed: bool = True


class EndpointDocument(BaseModel):
    """An endpoint. `failing_since`: no call has succeeded since then."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    org_id: UUID
    client_id: UUID | None
    url: str
    description: str
    events: list[str]
    enabled: bool
    failing_since: datetime | None
    failures: int
    disabled_at: datetime | None
    disabled_because: str | None
    previous_until: datetime | None
    created_at: datetime
    updated_at: datetime


class EndpointWithSecret(EndpointDocument):
    """An endpoint with its secret, which is shown this once."""

    secret: str

    @classmethod
    def of(cls, endpoint: Endpoint, secret: str) -> EndpointWithSecret:
        """Return an endpoint with a secret that was just made."""
        return cls(**EndpointDocument.model_validate(endpoint).model_dump(), secret=secret)


class DisabledEndpoint(EndpointDocument):
    """An endpoint that was disabled. `cancelled`: how many events waited for it."""

    cancelled: int


class AttemptDocument(BaseModel):
    """One call. Without `milliseconds` it is under way, or its worker died; without `status` no answer came."""

    model_config = ConfigDict(from_attributes=True)

    attempt: int
    started_at: datetime
    status: int | None
    error: str | None
    milliseconds: int | None


class SendDocument(BaseModel):
    """One event for one endpoint. `replay` counts how often it was sent anew; `event_id` is its `webhook-id`."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    event_id: UUID
    endpoint_id: UUID
    replay: int
    state: SendState
    attempts: int
    reason: str | None
    created_at: datetime
    settled_at: datetime | None


class ListedSendDocument(SendDocument):
    """A send with its event's type and time, and the calls that were made."""

    type: str
    occurred_at: datetime
    calls: list[AttemptDocument]

    @classmethod
    def of(cls, listed: ListedSend) -> ListedSendDocument:
        """Return a send as it is listed."""
        return cls(
            **SendDocument.model_validate(listed.send).model_dump(),
            type=listed.event.type,
            occurred_at=listed.event.occurred_at,
            calls=[AttemptDocument.model_validate(attempt) for attempt in listed.attempts],
        )


class ProbeDocument(BaseModel):
    """What came of a test call. `webhook_id` is the id that the receiver saw."""

    model_config = ConfigDict(from_attributes=True)

    delivered: bool
    status: int | None
    error: str | None
    milliseconds: int
    webhook_id: UUID


class ReplayDocument(BaseModel):
    """A replay that was asked for: how many events it will send as things are now."""

    model_config = ConfigDict(from_attributes=True)

    job_id: UUID
    events: int
