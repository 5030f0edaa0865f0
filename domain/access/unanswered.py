"""Forget accounts that an invitation made and nobody ever used, so that no address is kept for nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import ColumnElement, and_, delete, exists, select

from domain.access.consent import OPEN_FOR
from domain.access.models import AccountToken, ApiKey, Membership, OidcIdentity, User, UserSession
from domain.access.people import record_about
from domain.audit.record import Actor
from domain.kernel.redaction import redact_email

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

AT_ONCE: Final = 200
"""So many are forgotten at once; the rest follows with the next sweep."""
_GATEHOUSE: Final = Actor("gatehouse", "system")


def forget_unanswered(session: Session, now: datetime) -> int:
    """Delete accounts that nobody ever came in with and that nothing leads to any more; return how many.

    What the audit log says of them stays. A disabled one stays as well: somebody decided that. Needs a platform scope.
    """
    unused = _unused(now)
    oldest = select(User.id).where(unused).order_by(User.created_at).limit(AT_ONCE)
    held = session.scalars(oldest.with_for_update(skip_locked=True)).all()
    # Asked once more while they are held: who was invited between the look and the lock is wanted again, and a role
    # would go with the account.
    gone = session.execute(delete(User).where(User.id.in_(held), unused).returning(User.id, User.email)).all()
    for user_id, email in gone:
        record_about(session, _GATEHOUSE, "user.forgotten", user_id, before={"address": redact_email(email)}, grants=())
    return len(gone)


def _unused(now: datetime) -> ColumnElement[bool]:
    """Return which accounts those are. Whoever invites holds the account until the invitation is there."""
    links = exists().where(AccountToken.user_id == User.id, AccountToken.expires_at > now)
    return and_(
        User.created_at <= now - OPEN_FOR,
        User.email_verified_at.is_(None),
        User.password_hash.is_(None),
        User.disabled_at.is_(None),
        ~exists().where(Membership.user_id == User.id),
        ~links,
        ~exists().where(OidcIdentity.user_id == User.id),
        ~exists().where(UserSession.user_id == User.id),
        ~exists().where(ApiKey.created_by_user == User.id),
    )
