"""Find what administrators did."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, select, tuple_

from domain.audit.actions import beginning_with
from domain.audit.models import AuditLog
from domain.kernel.errors import NotFoundError
from domain.kernel.redaction import redact_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy.orm import Session

BATCH: Final = 500
"""Entries that an export reads at a time."""


class Place(NamedTuple):
    """Where in the list, newest first, an entry stands."""

    created_at: datetime
    id: UUID


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which acts are meant; what is None does not narrow.

    `action`: an action or how it begins, such as "dead_letter". `actor`: a name, or the id of a user. `since` is
    included, `until` is not.
    """

    action: str | None = None
    actor: str | None = None
    org_id: UUID | None = None
    client_id: UUID | None = None
    target_type: str | None = None
    target_id: str | None = None
    request_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return the conditions in SQL, each of which an index serves."""
        given: list[tuple[object, Callable[[Any], ColumnElement[bool]]]] = [
            (self.action, lambda action: AuditLog.action.in_(beginning_with(action))),
            (self.actor, _by),
            (self.org_id, lambda org_id: AuditLog.org_id == org_id),
            (self.client_id, lambda client_id: AuditLog.client_id == client_id),
            (self.target_type, lambda kind: AuditLog.target_type == kind),
            (self.target_id, lambda target: AuditLog.target_id == target),
            (self.request_id, lambda request: AuditLog.request_id == request),
            (self.since, lambda since: AuditLog.created_at >= since),
            (self.until, lambda until: AuditLog.created_at < until),
        ]
        return [condition(value) for value, condition in given if value is not None]


def list_acts(
    session: Session, which: AuditFilter, *, limit: int = 50, after: Place | None = None
) -> Sequence[AuditLog]:
    """Return acts of this scope, newest first; page on with the place of the last one."""
    query = select(AuditLog).where(*which.conditions())
    if after is not None:
        query = query.where(tuple_(AuditLog.created_at, AuditLog.id) < tuple_(after.created_at, after.id))
    return session.scalars(query.order_by(AuditLog.created_at.desc(), AuditLog.id.desc()).limit(limit)).all()


def find_act(session: Session, entry_id: UUID) -> AuditLog:
    """Return one entry. Raises NotFoundError, also for one beyond this scope."""
    entry = session.get(AuditLog, entry_id)
    if entry is None:
        raise NotFoundError(f"There is no audit entry {entry_id}.")
    return entry


def all_acts(scope: Callable[[], AbstractContextManager[Session]], which: AuditFilter) -> Iterator[AuditLog]:
    """Yield every act that is meant, newest first, however many: each batch in a short transaction of its own.

    What is recorded meanwhile is newer than where the walk has come to, and left out.
    """
    after: Place | None = None
    while True:
        with scope() as session:
            batch = list_acts(session, which, limit=BATCH, after=after)
        yield from batch
        if len(batch) < BATCH:
            return
        after = Place(batch[-1].created_at, batch[-1].id)


def _by(actor: str) -> ColumnElement[bool]:
    try:
        return AuditLog.actor_user_id == UUID(actor)
    except ValueError:
        # As it is stored: somebody without a name goes by their address, redacted.
        return AuditLog.actor == redact_text(actor)
