"""What would become of letters of the kinds that somebody waits for: one statement for a page, then the gate's rules.

The gate's answers are those of now. It is asked again, on record, when a letter runs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, Final, LiteralString
from uuid import UUID

from domain.conversations.messages import PROCESS
from domain.deadletters.arguments import id_argument
from domain.deadletters.fates import Fate
from domain.delivery.messages import SendDelivery
from domain.delivery.opening import guards
from domain.gate.guards import Decision, Guard
from domain.gate.policy import RULES
from domain.gate.snapshot import Snapshot, load_snapshot
from domain.kernel.database import raw_connection
from domain.queue.message import spec_of
from domain.webhooks.messages import SendWebhook

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

CLIENTS_KEPT: Final = 1_000
"""Clients whose state is kept while letters are looked through."""

_OPTED_OUT: Final = """
    EXISTS (SELECT FROM opt_outs o
            WHERE o.client_id = {0}.client_id AND o.channel = {0}.channel AND o.address = {0}.{1})
    OR coalesce((SELECT w.consent = 'stop' AND w.processed_at IS NULL FROM messages w
                 WHERE w.client_id = {0}.client_id AND w.channel = {0}.channel AND w.address = {0}.{1}
                     AND w.consent IN ('stop', 'start')
                 ORDER BY w.id DESC LIMIT 1), false)
"""
_DELIVERIES: Final = f"""
    SELECT jobs.id, d.client_id, d.state, d.provider_id IS NOT NULL, d.expires_at <= %(now)s, d.purpose, d.direct_reply,
           {_OPTED_OUT.format("d", "to_address")},
           (SELECT v.taken_over_until FROM messages m JOIN conversations v ON v.id = m.conversation_id
            WHERE m.id = d.message_id)
    FROM jobs JOIN deliveries d ON d.id = {id_argument("delivery_id")}
    WHERE jobs.id = ANY(%(ids)s)
"""  # noqa: S608  # constants alone
_WEBHOOKS: Final = f"""
    SELECT jobs.id, s.state, e.enabled
    FROM jobs JOIN webhook_sends s ON s.id = {id_argument("send_id")} JOIN webhook_endpoints e ON e.id = s.endpoint_id
    WHERE jobs.id = ANY(%(ids)s)
"""  # noqa: S608  # as above
_WEBHOOK_FATES: Final = {"pending": Fate.RUNS, "delivered": Fate.DELIVERED, "cancelled": Fate.CANCELLED}
_CONVERSATIONS: Final = f"""
    SELECT job.id, job.client_id,
           EXISTS (SELECT FROM messages m WHERE m.client_id = job.client_id AND m.channel = job.channel
                       AND m.address = job.address AND m.direction = 'in' AND m.processed_at IS NULL),
           {_OPTED_OUT.format("job", "address")},
           (SELECT v.taken_over_until FROM contacts k JOIN conversations v ON v.contact_id = k.id
            WHERE k.client_id = job.client_id AND k.channel = job.channel AND k.address = job.address)
    FROM (
        SELECT jobs.id, clients.id AS client_id, jobs.args ->> 'channel' AS channel, jobs.args ->> 'address' AS address
        FROM jobs JOIN clients ON clients.id = {id_argument("client_id")}
        WHERE jobs.id = ANY(%(ids)s)
    ) job
"""  # noqa: S608  # as above


@dataclass(frozen=True, slots=True)
class _Delivery:
    client_id: UUID
    state: str
    taken: bool
    expired: bool | None
    purpose: str
    direct_reply: bool
    opted_out: bool
    taken_over_until: datetime | None


class Foresight:
    """Asks the gate in advance, about many letters, at the instant `now`. Lives for one transaction."""

    def __init__(self, session: Session, now: datetime, blocked: Callable[[UUID, str], None]) -> None:
        self._session = session
        self._now = now
        self._blocked = blocked
        self._snapshot = lru_cache(CLIENTS_KEPT)(lambda client_id: load_snapshot(session, client_id, now=now))
        self._by_kind = {spec_of(SendDelivery).kind: self._deliveries, PROCESS: self._conversations}
        self._by_kind[spec_of(SendWebhook).kind] = self._webhooks

    def fates(self, kind: str, ids: Sequence[UUID]) -> Mapping[UUID, Fate]:
        """Return what would become of letters of one kind, as far as it can be told."""
        tell = self._by_kind.get(kind)
        return dict.fromkeys(ids, Fate.RUNS) if tell is None else dict.fromkeys(ids, Fate.GONE) | tell(ids)

    def _rows(self, query: LiteralString, ids: Sequence[UUID]) -> list[Any]:
        parameters = {"ids": list(ids), "now": self._now}
        return raw_connection(self._session).execute(query, parameters).fetchall()

    def _deliveries(self, ids: Sequence[UUID]) -> dict[UUID, Fate]:
        return {row[0]: self._delivery(_Delivery(*row[1:])) for row in self._rows(_DELIVERIES, ids)}

    def _delivery(self, row: _Delivery) -> Fate:
        if row.taken:
            return Fate.DELIVERED
        if row.state == "cancelled":
            return Fate.CANCELLED
        if row.state in {"unknown", "sending"}:
            return Fate.LOOKED_UP
        if row.expired:
            return Fate.EXPIRED
        about = replace(
            self._snapshot(row.client_id), direct_reply=row.direct_reply, taken_over_until=row.taken_over_until
        )

        def stopped(*, opted_out: bool) -> Decision | None:
            asked = guards(row.purpose, direct_reply=row.direct_reply, opted_out=opted_out)
            decisions = (RULES[guard](replace(about, recipient_opted_out=opted_out)) for guard in asked)
            return next((decision for decision in decisions if not decision.allowed), None)

        return self._fate(row.client_id, stopped, opted_out=row.opted_out)

    def _conversations(self, ids: Sequence[UUID]) -> dict[UUID, Fate]:
        fates = {}
        for job_id, client_id, waiting, opted_out, taken_over_until in self._rows(_CONVERSATIONS, ids):
            about = replace(self._snapshot(client_id), taken_over_until=taken_over_until)
            stopped = partial(_answer_stopped, about)
            fates[job_id] = self._fate(client_id, stopped, opted_out=opted_out) if waiting else Fate.ANSWERED
        return fates

    def _webhooks(self, ids: Sequence[UUID]) -> dict[UUID, Fate]:
        return {
            job_id: Fate.CANCELLED if state == "pending" and not enabled else _WEBHOOK_FATES.get(state, Fate.ENDED)
            for job_id, state, enabled in self._rows(_WEBHOOKS, ids)
        }

    def _fate(self, client_id: UUID, stopped: Callable[..., Decision | None], *, opted_out: bool) -> Fate:
        """Return the fate of what `stopped` decides about; a client's block comes before a contact's wish."""
        decision = stopped(opted_out=False)
        if decision is None:
            return Fate.OPTED_OUT if opted_out and stopped(opted_out=True) else Fate.RUNS
        if decision.retry_at is not None:
            return Fate.OPTED_OUT if opted_out else Fate.WAITS
        if decision.guard is Guard.NOT_TAKEN_OVER:
            return Fate.TAKEN_OVER
        self._blocked(client_id, decision.reason)
        return Fate.CLIENT_BLOCKED


def _answer_stopped(about: Snapshot, *, opted_out: bool) -> Decision | None:
    """Return the decision that keeps a message from any answer; a soft block gets the fallback text."""
    decision = RULES[Guard.CAN_PROCESS_CUSTOMER_MESSAGE](replace(about, recipient_opted_out=opted_out))
    return decision if decision.block == "hard" else None
