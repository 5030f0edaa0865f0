"""A letter that somebody else wants a person to have: with a link for a new password, or for the first one.

What is done here is the same whether the account is disabled or not: whether a letter is written, a worker finds out
(`answer_wanted`). So neither the answer nor the audit log tells.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from domain.access.letter_limit import TOO_MANY, may_be_written_to
from domain.access.letters import post
from domain.access.messages import SendWantedLetter
from domain.access.models import User
from domain.access.people import record_about
from domain.access.tokens import issue_token
from domain.kernel.ids import PLATFORM_ORG_ID
from domain.kernel.redaction import redact_email
from domain.queue.enqueue import enqueue
from domain.queue.outcome import Cancel, Done, Outcome

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from domain.access.means import AccountMeans
    from domain.audit.record import Actor
    from domain.queue.run import Run


def want_letter(session: Session, user: User, place: str, actor: Actor) -> None:
    """Have somebody written to; to who has no password yet, with a link to make one, for `place` in words.

    Needs a platform scope. The password that they have works on.
    """
    if user.email_verified_at is None:
        again = {"address": redact_email(user.email), "again": True}
        record_about(session, actor, "user.invited", user.id, after=again)
    else:
        record_about(session, actor, "user.reset_sent", user.id)
    enqueue(session, SendWantedLetter(user.id, place), org_id=PLATFORM_ORG_ID)


def answer_wanted(message: SendWantedLetter, run: Run, means: AccountMeans) -> Outcome:
    """Write to whom a letter is wanted for, unless the account is disabled or was written to too often."""
    now = means.clock.now()
    with run.scope() as session:
        enabled = select(User).where(User.id == message.user_id, User.disabled_at.is_(None))
        user = session.scalars(enabled.with_for_update(key_share=True)).one_or_none()
        if user is None:
            return run.finish(session, Cancel("The account is disabled or gone."))
        if not may_be_written_to(session, user.id, now):
            return run.finish(session, Cancel(TOO_MANY))
        if user.email_verified_at is None:
            token = issue_token(session, user.id, "invite", user.email, now)
            post(session, means.sealer, "invite", user.id, user.email, token=token, place=message.place)
        else:
            token = issue_token(session, user.id, "reset_password", user.email, now)
            post(session, means.sealer, "reset_password", user.id, user.email, token=token)
        return run.finish(session, Done())
