"""Raise a notice, and resolve it."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import func, select, text, update
from sqlalchemy.dialects.postgresql import insert

from domain.kernel.ids import new_id
from domain.kernel.redaction import redact_text
from domain.notices.models import Notice

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


class NoticeKind(StrEnum):
    """What a notice is about; the subject says which one."""

    SENDER_REFUSED = "sender_refused"
    """The provider refuses a sender or the account; subject: the sender. What it would send waits."""
    OUTCOME_UNKNOWN = "outcome_unknown"
    """The provider can't tell whether it sent a delivery; subject: the delivery. A person decides."""
    OWNER_UNREACHABLE = "owner_unreachable"
    """Requests are saved but the owner won't be alerted; subject: the client."""
    WEBHOOK_DISABLED = "webhook_disabled"
    """An endpoint failed for too long and is called no more; subject: the endpoint."""
    DEAD_LETTER = "dead_letter"
    """Jobs died; subject: their fingerprint."""
    CIRCUIT_OPEN = "circuit_open"
    """Calls to a provider fail, so they wait; subject: the provider and account."""
    INBOUND_GAP = "inbound_gap"
    """Messages were found that never reached us, or could not be looked for; subject: the client."""
    AUDIT_BROKEN = "audit_broken"
    """A chain of the audit log is not whole; subject: the organization whose it is."""
    ROLE_WRONG = "role_wrong"
    """Role files, or what an organization changed of a role, are wrong; subject: "role files", or the role."""


def raise_notice(
    session: Session,
    kind: NoticeKind,
    subject: str,
    words: str,
    *,
    org_id: UUID,
    client_id: UUID | None = None,
    times: int = 1,
) -> bool:
    """Raise a notice, or count it on when it is open; return whether it is new. `words` are redacted.

    `times`: how often it happened since it was told last.
    """
    values = {"words": redact_text(words), "client_id": client_id}
    new = {"id": new_id(), "org_id": org_id, "kind": kind.value, "subject": subject, "count": times}
    statement = insert(Notice).values(**new, **values)
    count = session.scalar(
        statement.on_conflict_do_update(
            index_elements=["org_id", "kind", "subject"],
            index_where=text("resolved_at IS NULL"),
            set_={"count": Notice.count + times, "last_at": func.now(), **values},
        ).returning(Notice.count)
    )
    return count == times


def resolve_notice(session: Session, kind: NoticeKind, subject: str, *, org_id: UUID, by: str) -> bool:
    """Resolve the open notice, if there is one; return whether there was."""
    statement = (
        update(Notice)
        .where(
            Notice.org_id == org_id,
            Notice.kind == kind.value,
            Notice.subject == subject,
            Notice.resolved_at.is_(None),
        )
        .values(resolved_at=func.now(), resolved_by=by)
        .returning(Notice.id)
    )
    return session.scalar(statement) is not None


def open_notices(session: Session, *, client_id: UUID | None = None, limit: int = 200) -> Sequence[Notice]:
    """Return what waits for a person in this scope, newest first."""
    statement = select(Notice).where(Notice.resolved_at.is_(None)).order_by(Notice.last_at.desc()).limit(limit)
    if client_id is not None:
        statement = statement.where(Notice.client_id == client_id)
    return session.scalars(statement).all()
