"""The way in for Twilio's webhooks: straight into the database, or into the spool while there is none."""

from __future__ import annotations

import asyncio
from typing import Final, Literal
from uuid import UUID

from anyio import to_thread
from structlog.contextvars import bind_contextvars

from api.errors import ProblemError
from api.ingest import Ingest, NotStoredError
from api.numbers import DirectoryUnavailableError, NumberDirectory
from api.refusals import DATABASE_AWAY
from api.spool.arrival import Arrival
from api.spool.spool import Spool
from api.spool.stream import NotKeptError
from api.twilio_forms import Text
from config.telemetry import INGEST, begin_at_zero
from domain.conversations.accept import Inbound
from domain.delivery.receipts import Receipt, Taking, take_receipt
from domain.kernel.database import Database

RECEIPT_WITHIN: Final = 4.0
"""Seconds for the database; after that a receipt is spooled. Recording it twice changes nothing."""
_OUTCOMES: Final = ("accepted", "repeated", "spooled", "unavailable", "unsigned", "malformed", "unknown_number")
begin_at_zero(INGEST, (("sms", outcome) for outcome in _OUTCOMES))


class UnknownNumberError(ProblemError):
    """The text is for a number that is no client's."""


class Intake:
    """Takes webhooks whose signature was right."""

    def __init__(self, numbers: NumberDirectory, ingest: Ingest, spool: Spool, database: Database) -> None:
        self._numbers = numbers
        self._ingest = ingest
        self._spool = spool
        self._database = database

    async def text(self, text: Text, form: str, correlation_id: UUID) -> UUID | None:
        """Take a text for good; return its correlation id, or None for a repeat. `form`: the webhook's body.

        Raises UnknownNumberError (404), and NotStoredError (503) when neither database nor spool can be had.
        """
        if self._spool.wanted and await self._spool.must_keep():
            arrival = Arrival("sms", form, correlation_id=correlation_id)
            if await self._kept(arrival):
                return arrival.correlation_id
            # A text that overtakes others is better than one that is lost.
            try:
                return await self._stored(await self._inbound(text, correlation_id))
            except DirectoryUnavailableError:
                raise _not_stored() from None
        try:
            message = await self._inbound(text, correlation_id)
        except DirectoryUnavailableError:
            self._spool.failed()
            arrival = Arrival("sms", form, correlation_id=correlation_id)
        else:
            try:
                return await self._stored(message)
            except NotStoredError:
                arrival = Arrival("sms", form, message_id=message.message_id, correlation_id=message.correlation_id)
        if await self._kept(arrival):
            return arrival.correlation_id
        raise _not_stored()

    async def receipt(self, receipt: Receipt, form: str, attempt: str | None) -> Taking | Literal["spooled"]:
        """Take a report for good. Raises NotStoredError (503) when neither database nor spool can be had."""
        # A report may overtake others, so it goes straight in even while kept texts have yet to be brought in.
        if self._spool.away and await self._kept(Arrival("status", form, attempt)):
            return "spooled"
        try:
            async with asyncio.timeout(RECEIPT_WITHIN):
                return await to_thread.run_sync(take_receipt, self._database, receipt, abandon_on_cancel=True)
        except DATABASE_AWAY:
            self._spool.failed()
            if await self._kept(Arrival("status", form, attempt)):
                return "spooled"
            raise _not_stored() from None

    async def _stored(self, message: Inbound) -> UUID | None:
        return message.correlation_id if await self._ingest.accept(message) else None

    async def _inbound(self, text: Text, correlation_id: UUID) -> Inbound:
        destination = await self._numbers.find(text.to, text.messaging_service_sid)
        if destination is None:
            INGEST.labels("sms", "unknown_number").inc()
            raise UnknownNumberError(404)
        message = Inbound(
            org_id=destination.org_id,
            client_id=destination.client_id,
            channel="sms",
            address=text.sender,
            body=text.body,
            external_id=text.sid,
            media=text.media,
            opt_out_type=text.opt_out_type,
            correlation_id=correlation_id,
        )
        bind_contextvars(
            org_id=str(destination.org_id),
            client_id=str(destination.client_id),
            correlation_id=str(message.correlation_id),
        )
        return message

    async def _kept(self, arrival: Arrival) -> bool:
        try:
            await self._spool.keep(arrival)
        except NotKeptError:
            return False
        INGEST.labels(arrival.kind, "spooled").inc()
        return True


def _not_stored() -> NotStoredError:
    detail = "The webhook could not be stored just now."
    return NotStoredError(503, detail, kind="not-stored", headers={"retry-after": "2"})
