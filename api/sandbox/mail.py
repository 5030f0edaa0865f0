"""What the sandbox mailbox shows: the e-mails that the sandbox "sent", whoever they were for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final
from uuid import UUID

from sqlalchemy import select

from providers.sandbox.models import SandboxMail

if TYPE_CHECKING:
    from domain.kernel.database import Database

SHOWN: Final = 100
"""The latest e-mails."""


def latest_mail(database: Database) -> Sequence[SandboxMail]:
    """Return the latest e-mails, the newest first."""
    statement = select(SandboxMail).order_by(SandboxMail.created_at.desc(), SandboxMail.attempt_id.desc()).limit(SHOWN)
    with database.platform_scope() as session:
        return session.scalars(statement).all()


def one_mail(database: Database, attempt_id: UUID) -> SandboxMail | None:
    """Return one e-mail; None when there is none."""
    with database.platform_scope() as session:
        return session.get(SandboxMail, attempt_id)
