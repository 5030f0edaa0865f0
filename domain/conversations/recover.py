"""Take in texts that the provider has and we do not: webhooks that never reached us.

Each client has a watermark: until then its texts are known to be complete. What the provider lists since is accepted
like a webhook, once by its id, with the time and the place in order that it should have had.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final
from uuid import UUID

import structlog

from domain.conversations.accept import ACCEPT, Inbound, parameters
from domain.conversations.messages import RecoverInbound
from domain.conversations.ports import InboundList, InboundUnavailableError, ListedText
from domain.kernel.clock import Clock
from domain.kernel.database import raw_connection
from domain.kernel.ids import PLATFORM_ORG_ID, id_at
from domain.notices.raising import NoticeKind, raise_notice, resolve_notice
from domain.queue.enqueue import enqueue
from domain.queue.outcome import Done, Outcome
from domain.queue.run import Run
from domain.statistics.activities import Activity, note

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from domain.kernel.database import Database

RECOVERY: Final = "conversations.recover_inbound"
"""The unique key of its job: one at a time."""
OVERLAP: Final = timedelta(minutes=15)
"""Looked at again: the provider's clock may differ from ours, and what it lists may be late."""
SETTLING: Final = timedelta(minutes=2)
"""A text this young may still be on its way to us."""
FIRST_LOOK: Final = timedelta(hours=24)
LONGEST_LOOK: Final = timedelta(days=7)
GIVE_UP_AFTER: Final = 5
"""Clients in a row whose list can't be had: then the provider is away, or refuses us."""
BATCH: Final = 200
BODY_LIMIT: Final = 1_600
_FOUND: Final = "client:{}"
_NOT_LISTED: Final = "list:{}"
_log = structlog.get_logger(__name__)

Scope = Callable[[], "AbstractContextManager[Session]"]
"""Opens a platform scope."""

# What came to a number before it was this client's is somebody else's.
_CLIENTS: Final = """
    SELECT c.org_id, c.id, c.sms_number,
           greatest(CASE WHEN w.client_id IS NULL THEN greatest(c.updated_at, %(first)s)
                         ELSE greatest(w.complete_until - %(overlap)s, %(oldest)s) END, c.sms_number_since)
    FROM clients c LEFT JOIN inbound_watermarks w ON w.client_id = c.id
    WHERE c.sms_number IS NOT NULL
    ORDER BY w.looked_at NULLS FIRST, c.id
"""
_KNOWN: Final = "SELECT external_id FROM messages WHERE client_id = %s AND external_id = ANY(%s)"
_LOOKED: Final = """
    INSERT INTO inbound_watermarks AS w (client_id, org_id, complete_until, problem)
    VALUES (%(client_id)s, %(org_id)s, %(until)s, %(problem)s)
    ON CONFLICT (client_id) DO UPDATE SET
        complete_until = CASE WHEN excluded.problem IS NULL THEN greatest(w.complete_until, excluded.complete_until)
                              ELSE w.complete_until END,
        looked_at = now(), problem = excluded.problem
"""


@dataclass(frozen=True, slots=True)
class _Client:
    org_id: UUID
    id: UUID
    number: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Recovered:
    """The result of a look through all clients."""

    clients: int
    texts: int
    failed: int

    @property
    def words(self) -> str:
        """What is to be said of it, as a sentence."""
        problem = f"; {self.failed} clients could not be looked at" if self.failed else ""
        return f"{self.texts} missing texts taken in for {self.clients} clients{problem}."


def ask_for_recovery(database: Database) -> None:
    """Have gaps looked for once the last texts of an outage are old enough to be looked at."""
    run_at = datetime.now(UTC) + SETTLING + timedelta(minutes=1)
    with database.platform_scope() as session:
        enqueue(session, RecoverInbound(), org_id=PLATFORM_ORG_ID, unique_key=RECOVERY, run_at=run_at)


def recover_inbound(message: RecoverInbound, run: Run, listing: InboundList | None, clock: Clock) -> Outcome:
    """Take in what is missing for every client. One whose list can't be had is looked at again the next time."""
    del message
    if listing is None:
        return Done("There is no provider that could have texts which we lack.")
    return Done(recover_all(run.scope, listing, clock).words)


def recover_all(scope: Scope, listing: InboundList, clock: Clock) -> Recovered:
    """Take in what is missing for every client with a number, the one looked at longest ago first."""
    now = clock.now()
    with scope() as session:
        bounds = {"overlap": OVERLAP, "oldest": now - LONGEST_LOOK, "first": now - FIRST_LOOK}
        clients = [_Client(*row) for row in raw_connection(session).execute(_CLIENTS, bounds).fetchall()]
    texts = failed = in_a_row = 0
    for number, client in enumerate(clients):
        try:
            texts += _recover(scope, client, listing, clock.now() - SETTLING)
            in_a_row = 0
        except InboundUnavailableError as error:
            failed, in_a_row = failed + 1, in_a_row + 1
            _note(scope, client, str(error))
            if in_a_row >= GIVE_UP_AFTER:
                return Recovered(len(clients), texts, failed + len(clients) - number - 1)
    return Recovered(len(clients), texts, failed)


def _recover(scope: Scope, client: _Client, listing: InboundList, until: datetime) -> int:
    """Take in what is missing for one client; return how many texts that were. Raises InboundUnavailableError."""
    listed = listing.texts_to(client.number, client.since)
    with scope() as session:
        missing = _missing(session, client, [text for text in listed.texts if text.sent_at <= until])
    messages = [_inbound(client, text, listing.media_of(text.sid) if text.media else "[]") for text in missing]
    problem = None if listed.complete else "The provider lists more texts than are looked through at once."
    with scope() as session:
        taken = sum(_take_in(session, messages[start : start + BATCH]) for start in range(0, len(messages), BATCH))
        _looked(session, client, until, problem)
        if taken:
            words = f"{taken} texts had not reached us; they were taken in from the provider's list."
            _raise(session, client, _FOUND, words)
        if problem:
            _raise(session, client, _NOT_LISTED, problem)
        else:
            subject = _NOT_LISTED.format(client.id)
            resolve_notice(session, NoticeKind.INBOUND_GAP, subject, org_id=client.org_id, by="gatehouse")
    if taken:
        _log.warning("inbound_recovered", client_id=str(client.id), texts=taken)
    return taken


def _missing(session: Session, client: _Client, texts: Sequence[ListedText]) -> Sequence[ListedText]:
    rows = raw_connection(session).execute(_KNOWN, (client.id, [text.sid for text in texts])).fetchall()
    known = {row[0] for row in rows}
    return [text for text in texts if text.sid not in known]


def _take_in(session: Session, messages: Sequence[Inbound]) -> int:
    new = {row[0] for row in raw_connection(session).execute(ACCEPT, parameters(messages, direct=False))}
    for one in messages:
        if one.message_id in new:
            note(session, Activity.RECEIVED, one.channel, org_id=one.org_id, client_id=one.client_id)
    return len(new)


def _inbound(client: _Client, text: ListedText, media: str) -> Inbound:
    return Inbound(
        org_id=client.org_id,
        client_id=client.id,
        channel="sms",
        address=text.sender,
        body=text.body.replace("\x00", "")[:BODY_LIMIT],
        external_id=text.sid,
        media=media,
        came_by="recovery",
        received_at=text.sent_at,
        message_id=id_at(text.sent_at),
    )


def _looked(session: Session, client: _Client, until: datetime, problem: str | None) -> None:
    values = {
        "client_id": client.id,
        "org_id": client.org_id,
        "until": until if problem is None else client.since,
        "problem": problem,
    }
    raw_connection(session).execute(_LOOKED, values)


def _note(scope: Scope, client: _Client, problem: str) -> None:
    _log.warning("inbound_not_listed", client_id=str(client.id), reason=problem)
    with scope() as session:
        _looked(session, client, client.since, problem)
        _raise(session, client, _NOT_LISTED, problem)


def _raise(session: Session, client: _Client, subject: str, words: str) -> None:
    about = subject.format(client.id)
    raise_notice(session, NoticeKind.INBOUND_GAP, about, words, org_id=client.org_id, client_id=client.id)
