"""Dead letters by cause: how many, since when, of whom."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, Literal
from uuid import UUID

from sqlalchemy import ARRAY, ColumnElement, Row, Text, cast, func, select, true

from domain.kernel.redaction import redact_text
from domain.queue.models import Job

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from domain.queue.dead import DeadFilter

SAMPLES: Final = 3
Order = Literal["count", "last_at"]


@dataclass(frozen=True, slots=True)
class Group:
    """Letters of one cause. `reason`: the newest one's, redacted. `samples`: the newest jobs' ids, newest first."""

    fingerprint: str
    kind: str
    error_class: str
    reason: str
    count: int
    tenants: int
    first_at: datetime
    last_at: datetime
    samples: Sequence[UUID]


def list_groups(
    session: Session,
    which: DeadFilter,
    *,
    limit: int = 50,
    after: tuple[int | datetime, str] | None = None,
    order: Order = "count",
) -> Sequence[Group]:
    """Return the causes of the letters of a filter: the most frequent first, or those that somebody died of last.

    Page on with the last group's `(count, fingerprint)`, or its `last_at` in place of the count; while letters die or
    are resolved, a group may be missed.
    """
    # By organization first: so both counts are hashed, and a hundred thousand rows are not sorted to tell them apart.
    by_org = (
        select(
            Job.fingerprint.label("fingerprint"),
            func.count().label("count"),
            func.min(Job.finished_at).label("first_at"),
            func.max(Job.finished_at).label("last_at"),
        )
        .where(*which.conditions(), Job.fingerprint.is_not(None), Job.finished_at.is_not(None))
        .group_by(Job.fingerprint, Job.org_id)
        .subquery()
    )
    count, last_at = func.sum(by_org.c.count), func.max(by_org.c.last_at)
    first: ColumnElement[Any] = count if order == "count" else last_at
    query = (
        select(
            by_org.c.fingerprint,
            count.label("letters"),
            func.count().label("tenants"),
            func.min(by_org.c.first_at).label("first_at"),
            last_at.label("last_at"),
        )
        .group_by(by_org.c.fingerprint)
        .order_by(first.desc(), by_org.c.fingerprint)
        .limit(limit)
    )
    if after is not None:
        query = query.having((first < after[0]) | ((first == after[0]) & (by_org.c.fingerprint > after[1])))
    rows = session.execute(query).all()
    newest = _newest(session, which, [row[0] for row in rows])
    return [_group(row, newest[row[0]]) for row in rows if row[0] in newest]


def _newest(session: Session, which: DeadFilter, fingerprints: Sequence[str]) -> Mapping[str, Sequence[Row[Any]]]:
    """Return the newest letters of each cause: one probe of the index a cause."""
    causes = select(func.unnest(cast(list(fingerprints), ARRAY(Text))).label("fingerprint")).subquery()
    letters = (
        select(Job.id, Job.kind, Job.error_class, Job.last_error)
        .where(*which.conditions(), Job.fingerprint == causes.c.fingerprint)
        .order_by(Job.id.desc())
        .limit(SAMPLES)
        .lateral()
    )
    found = defaultdict(list)
    for row in session.execute(select(causes.c.fingerprint, letters).join(letters, true())):
        found[row.fingerprint].append(row)
    return found


def _group(counted: Row[Any], newest: Sequence[Row[Any]]) -> Group:
    return Group(
        fingerprint=counted.fingerprint,
        kind=newest[0].kind,
        error_class=newest[0].error_class or "",
        reason=redact_text(newest[0].last_error or ""),
        count=int(counted.letters),
        tenants=counted.tenants,
        first_at=counted.first_at,
        last_at=counted.last_at,
        samples=[row.id for row in newest],
    )
