"""What the sandbox mailbox shows: the e-mails that the sandbox "sent", whoever they were for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final
from uuid import UUID

from sqlalchemy import select

from providers.sandbox.models import SandboxMail

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

SHOWN: Final = 100
"""The latest e-mails."""


def latest_mail(session: Session) -> Sequence[SandboxMail]:
    """Return the latest e-mails of this scope, the newest first."""
    statement = select(SandboxMail).order_by(SandboxMail.created_at.desc(), SandboxMail.attempt_id.desc()).limit(SHOWN)
    return session.scalars(statement).all()


def one_mail(session: Session, attempt_id: UUID) -> SandboxMail | None:
    """Return one e-mail of this scope; None when there is none."""
    return session.get(SandboxMail, attempt_id)
