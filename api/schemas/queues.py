"""Queues, limits and weights as documents."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from domain.queue.limits import Limit, LimitRule
from domain.queue.overview import QueueStatus

Reason = Annotated[str, Field(min_length=1, max_length=500)]


class QueueDocument(BaseModel):
    """A queue. `jobs`: counts by state, each up to a bound; `window`: how many of its ids the broker holds at most."""

    name: str
    paused_at: datetime | None
    because: str | None
    draining_at: datetime | None
    jobs: dict[str, int]
    oldest_seconds: float
    window: int


class QueueList(BaseModel):
    """All queues, in the order in which workers prefer them."""

    items: list[QueueDocument]


class Why(BaseModel):
    """Why a queue is paused or drained: shown with it, and kept in the audit log."""

    model_config = ConfigDict(extra="forbid")

    reason: Reason


class MaybeWhy(BaseModel):
    """Why something is done, kept in the audit log."""

    model_config = ConfigDict(extra="forbid")

    reason: Reason | None = None


class LimitRequest(MaybeWhy):
    """What is limited (a tenant, a kind, a key, or several of these) and how far."""

    tenant_id: UUID | None = None
    kind: Annotated[str, Field(max_length=100)] | None = None
    key: Annotated[str, Field(max_length=200)] | None = None
    max_running: int | None = None
    per_minute: int | None = None

    def rule(self) -> LimitRule:
        """Return the rule. Raises InvalidInputError."""
        return LimitRule(**self.model_dump(exclude={"reason"}))


class LimitDocument(BaseModel):
    """A limit and how it stands."""

    id: UUID
    tenant_id: UUID | None
    kind: str | None
    key: str | None
    max_running: int | None
    per_minute: int | None
    running: int
    handed_over: int
    held: int
    created_at: datetime
    updated_at: datetime


class WeightRequest(MaybeWhy):
    """How many jobs a tenant gets in each round."""

    weight: int


class WeightDocument(BaseModel):
    """A tenant's weight; those without one have 1."""

    tenant_id: UUID
    weight: int


class WeightList(BaseModel):
    """All weights other than 1."""

    items: list[WeightDocument]


def queue_document(status: QueueStatus, window: int) -> QueueDocument:
    """Return a queue as a document."""
    named = {name: getattr(status, name) for name in QueueDocument.model_fields if name != "window"}
    return QueueDocument(**named, window=window)


def limit_document(limit: Limit) -> LimitDocument:
    """Return a limit as a document."""
    return LimitDocument(**{name: getattr(limit, name) for name in LimitDocument.model_fields})
