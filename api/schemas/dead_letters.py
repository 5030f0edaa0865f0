"""Dead letters, their groups, forecasts and operations as documents."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID

from fastapi import Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from domain.deadletters.fates import Fate, Forecast
from domain.deadletters.groups import Group
from domain.deadletters.models import Action, DeadOperation, OperationState
from domain.deadletters.operations import HIGHEST_RATE
from domain.kernel.reasons import LONGEST_REASON
from domain.queue.dead import PAGE, DeadFilter

Kind = Annotated[str | None, Query(max_length=100)]
Fingerprint = Annotated[str | None, Query(max_length=64)]
ErrorText = Annotated[str | None, Query(alias="text", max_length=200, description="A part of the error.")]


class FilterDocument(BaseModel):
    """Which dead letters are meant; what is left out does not narrow. `after` and `before` bound when they died.

    `text` is a part of the error that they died of.
    """

    model_config = ConfigDict(extra="forbid")

    ids: Annotated[list[UUID], Field(max_length=PAGE)] | None = None
    kind: Annotated[str, Field(max_length=100)] | None = None
    fingerprint: Annotated[str, Field(max_length=64)] | None = None
    org_id: UUID | None = None
    after: AwareDatetime | None = None
    before: AwareDatetime | None = None
    text: Annotated[str, Field(min_length=1, max_length=200)] | None = None

    def meant(self) -> DeadFilter:
        """Return the filter."""
        return DeadFilter(**self.model_dump())


class Selection(BaseModel):
    """A filter; one that does not narrow needs `all`, so that nobody means everything by a slip."""

    model_config = ConfigDict(extra="forbid")

    filter: FilterDocument = FilterDocument()
    all: bool = False

    @model_validator(mode="after")
    def _narrow(self) -> Self:
        if not self.all and self.filter == FilterDocument():
            raise ValueError("Say which in `filter`, or set `all`.")
        return self


class Resolution(Selection):
    """A selection, and why it is resolved so; the reason is kept in the audit log."""

    reason: Annotated[str, Field(min_length=1, max_length=LONGEST_REASON)]


class RequeueRequest(Resolution):
    """What to run again. `per_minute`: so many may start a minute at most."""

    per_minute: Annotated[int, Field(ge=1, le=HIGHEST_RATE)] | None = None


class EditRequest(BaseModel):
    """New arguments of one letter, whole. `requeue`: run it again with them."""

    model_config = ConfigDict(extra="forbid")

    args: dict[str, Any]
    reason: Annotated[str, Field(min_length=1, max_length=LONGEST_REASON)]
    requeue: bool = False


class CancelRequest(BaseModel):
    """Why an operation is cancelled."""

    reason: Annotated[str, Field(max_length=LONGEST_REASON)] | None = None


class GroupDocument(BaseModel):
    """Letters that died of one cause. `reason` and `samples` are the newest ones'; `tenants`: how many it touched."""

    fingerprint: str
    kind: str
    error_class: str
    reason: str
    count: int
    tenants: int
    first_at: datetime
    last_at: datetime
    samples: list[UUID]


class ForecastDocument(BaseModel):
    """What would happen now: letters by fate, and the same in words."""

    total: int
    would_run: int
    fates: dict[str, int]
    blocks: dict[str, int]
    """Why the gate would stop letters, whoever they are for."""
    blocked_clients: int
    paused_queues: list[str]
    words: str


class OperationDocument(BaseModel):
    """A requeue or discard and how far it has come. `skipped`: letters that stay dead."""

    id: UUID
    action: Action
    filter: dict[str, Any]
    per_minute: int | None
    actor: str
    reason: str
    state: OperationState
    total: int
    done: int
    skipped: int
    created_at: datetime
    updated_at: datetime
    finished_at: datetime | None


def group_document(group: Group) -> GroupDocument:
    """Return a group as a document."""
    return GroupDocument(**{name: getattr(group, name) for name in GroupDocument.model_fields})


def forecast_document(found: Forecast) -> ForecastDocument:
    """Return a forecast as a document."""
    return ForecastDocument(
        total=found.total,
        would_run=found.fates[Fate.RUNS],
        fates={fate.value: count for fate, count in found.fates.items()},
        blocks=dict(found.blocks),
        blocked_clients=len(found.blocked_clients),
        paused_queues=list(found.paused_queues),
        words=found.words(),
    )


def operation_document(operation: DeadOperation) -> OperationDocument:
    """Return an operation as a document."""
    return OperationDocument(**{name: getattr(operation, name) for name in OperationDocument.model_fields})
