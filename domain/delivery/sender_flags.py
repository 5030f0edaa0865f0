"""Senders that the provider refuses: what they would send waits, while one message now and then tries them.

A flag is of one client's sender, so that one client's trouble is not another's. It is cleared by a try that succeeds,
or by a person. A refusal that came by a receipt is over only when a receipt says so: the provider took those, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from domain.clients.models import Client
from domain.delivery.messages import SendDelivery, SenderRefused
from domain.delivery.models import SenderFlag
from domain.delivery.policy import TREATMENTS, ErrorClass
from domain.delivery.repository import Failure, Loaded
from domain.kernel.database import raw_connection
from domain.kernel.ids import new_id
from domain.notices.raising import NoticeKind, raise_notice, resolve_notice
from domain.queue.control import run_keyed_now
from domain.queue.enqueue import enqueue
from domain.queue.message import spec_of

PROBE_WITHIN: Final = timedelta(minutes=2)
"""A message that tries a sender has come to an end by then, or another may try."""
# Of messages that were under way together when the sender was refused, all but the first tried nothing.
_FLAG: Final = """
    INSERT INTO sender_flags AS f (id, org_id, client_id, sender, error_code, reason, late, probe_at)
    VALUES (%(id)s, %(org_id)s, %(client_id)s, %(sender)s, %(error_code)s, %(reason)s, %(late)s, now() + %(wait)s)
    ON CONFLICT (client_id, sender) WHERE cleared_at IS NULL DO UPDATE
    SET error_code = excluded.error_code, reason = excluded.reason, late = excluded.late,
        probes = f.probes + (f.probe_at <= now() + %(probe_within)s)::int,
        probe_at = CASE WHEN f.probe_at <= now() + %(probe_within)s
                        THEN now() + least(%(longest)s, %(wait)s * power(2, least(f.probes + 1, 16)))
                        ELSE f.probe_at END
    RETURNING id, probe_at, xmax = 0
"""
# Whoever comes first tries the sender; the others wait for the next turn.
_TAKE_PROBE: Final = """
    UPDATE sender_flags SET probe_at = now() + %(wait)s
    WHERE id = %(id)s AND cleared_at IS NULL AND probe_at <= now()
"""
_CLEAR: Final = """
    UPDATE sender_flags SET cleared_at = now(), cleared_by = %(by)s
    WHERE id = %(id)s AND cleared_at IS NULL AND flagged_at <= coalesce(%(since)s, flagged_at)
    RETURNING org_id
"""
_OUTDATED: Final = """
    SELECT f.id, f.org_id, f.client_id FROM sender_flags f JOIN clients c ON c.id = f.client_id
    WHERE f.cleared_at IS NULL AND f.sender <> 'email'
        AND f.sender IS DISTINCT FROM coalesce(c.sms_number, c.messaging_service_sid)
"""
_HELD: Final = "SELECT id FROM deliveries WHERE client_id = %s AND state = 'pending'"
_WORDS: Final = (
    "The provider refuses to send for {client}: {reason} What it would send is kept and waits. Put it right at the"
    " provider; one message tries it every now and then, and the rest follows by itself."
)


def flag_sender(session: Session, delivery: Loaded, failure: Failure, *, late: bool = False) -> datetime:
    """Flag the sender of a delivery, tell whom it concerns when that is new, and return when it may be tried again."""
    treatment = TREATMENTS[ErrorClass(failure.error_class or ErrorClass.CONFIGURATION)]
    parameters = {
        "id": new_id(),
        "org_id": delivery.org_id,
        "client_id": delivery.client_id,
        "sender": delivery.sender or "",
        "error_code": failure.code,
        "reason": failure.text,
        "late": late,
        "wait": treatment.wait,
        "longest": treatment.longest,
        "probe_within": PROBE_WITHIN,
    }
    row = raw_connection(session).execute(_FLAG, parameters).fetchone()
    assert row is not None  # noqa: S101  # an upsert returns its row
    flag_id, probe_at, is_new = row
    if is_new:
        enqueue(session, SenderRefused(flag_id), org_id=delivery.org_id, unique_key=str(flag_id))
    words = _WORDS.format(client=delivery.client_name, reason=failure.text)
    raise_notice(
        session,
        NoticeKind.SENDER_REFUSED,
        _subject(flag_id),
        words,
        org_id=delivery.org_id,
        client_id=delivery.client_id,
    )
    next_try: datetime = probe_at
    return next_try


def take_probe(session: Session, flag_id: UUID) -> bool:
    """Take the right to try a flagged sender with one message; False when another has it or it is not time."""
    taken = raw_connection(session).execute(_TAKE_PROBE, {"id": flag_id, "wait": PROBE_WITHIN})
    return taken.rowcount > 0


def clear_flag(session: Session, flag_id: UUID, *, by: str, since: datetime | None = None) -> bool:
    """Clear a flag, if it is not cleared, so that what waits is sent; return whether it was flagged.

    A message that was sent shows nothing about a flag that was set after `since`, when its try began.
    """
    row = raw_connection(session).execute(_CLEAR, {"id": flag_id, "by": by, "since": since}).fetchone()
    if row is None:
        return False
    resolve_notice(session, NoticeKind.SENDER_REFUSED, _subject(flag_id), org_id=row[0], by=by)
    return True


def clear_outdated(session: Session) -> int:
    """Clear the flags of senders that their clients don't use any more; return how many there were."""
    outdated = raw_connection(session).execute(_OUTDATED).fetchall()
    cleared = [flag for flag in outdated if clear_flag(session, flag[0], by="a new sender")]
    for _, org_id, client_id in cleared:
        send_held(session, org_id, client_id)
    return len(cleared)


def send_held(session: Session, org_id: UUID, client_id: UUID) -> int:
    """Have what waits at a client looked at now, not when its refused sender would next be tried; return how much.

    What waits for something else finds that out, and goes on waiting.
    """
    held = [str(row[0]) for row in raw_connection(session).execute(_HELD, [client_id]).fetchall()]
    return run_keyed_now(session, org_id, spec_of(SendDelivery).kind, held) if held else 0


def flagged_senders(session: Session, *, limit: int = 200) -> Sequence[tuple[SenderFlag, str]]:
    """Return what is flagged in this scope, newest first, with its client's name."""
    statement = (
        select(SenderFlag, Client.name)
        .join(Client, Client.id == SenderFlag.client_id)
        .where(SenderFlag.cleared_at.is_(None))
        .order_by(SenderFlag.flagged_at.desc())
        .limit(limit)
    )
    return [(flag, name) for flag, name in session.execute(statement)]


def _subject(flag_id: UUID) -> str:
    return f"sender_flag:{flag_id}"
