"""Bring kept webhooks into the database, as if they came now, but with the ids and the time that they came with."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final
from urllib.parse import parse_qsl

import psycopg
import structlog
from anyio import to_thread

from api.ingest import Ingest
from api.numbers import DirectoryUnavailableError, NumberDirectory
from api.refusals import is_refusal
from api.spool.arrival import Arrival, UnreadableArrivalError, decode
from api.twilio_forms import MalformedFormError, receipt_of, text_of
from config.telemetry import SPOOL
from domain.conversations.accept import Inbound
from domain.delivery.receipts import Receipt, take_receipt
from domain.kernel.database import Database
from domain.kernel.errors import GatehouseError

RECEIPT_WITHIN: Final = 10.0
RECEIPTS_AT_ONCE: Final = 4
"""Half of the connections that the api may open; the other half serves who asks meanwhile."""
_log = structlog.get_logger(__name__)


class AwayError(GatehouseError):
    """The database does not answer; nothing of what was to be brought in is known to be stored."""


class Drain:
    """Stores entries. `on_finished` is called in a thread after entries were brought in; what it raises is logged."""

    def __init__(
        self, ingest: Ingest, numbers: NumberDirectory, database: Database, on_finished: Callable[[], None]
    ) -> None:
        self._ingest = ingest
        self._numbers = numbers
        self._database = database
        self._on_finished = on_finished
        self._following: asyncio.Task[None] | None = None

    async def ready(self) -> None:
        """Return when the database answers. Raises AwayError."""
        try:
            await self._ingest.probe()
        except (psycopg.Error, TimeoutError, OSError) as error:
            raise AwayError(type(error).__name__) from None

    async def bring(self, entries: Sequence[bytes]) -> Sequence[bytes]:
        """Store entries in order; return those that nobody can take. Raises AwayError: all are to be tried again."""
        rejected: list[bytes] = []
        texts: list[tuple[bytes, Inbound]] = []
        receipts: list[tuple[bytes, Receipt]] = []
        for entry in entries:
            try:
                arrival = decode(entry)
                form = dict(parse_qsl(arrival.form, keep_blank_values=True))
                if arrival.kind == "status":
                    receipts.append((entry, receipt_of(form, arrival.attempt)))
                    continue
                message = await self._inbound(arrival, form)
            except (UnreadableArrivalError, MalformedFormError) as error:
                rejected.append(_aside(entry, type(error).__name__))
                continue
            if message is None:
                rejected.append(_aside(entry, "unknown_number"))
            else:
                texts.append((entry, message))
        rejected += await self._store_texts(texts)
        rejected += await self._take_receipts(receipts)
        return rejected

    async def finished(self, brought: int) -> None:
        """Say that entries were brought in."""
        _log.info("spool_brought_in", entries=brought)
        self._following = asyncio.create_task(self._follow_up(), name="spool-follow-up")
        await asyncio.shield(self._following)

    async def close(self) -> None:
        """Let what follows the last entries come to its end: it uses the database."""
        if self._following is not None:
            await self._following

    async def _follow_up(self) -> None:
        try:
            await asyncio.to_thread(self._on_finished)
        except Exception:  # noqa: BLE001  the entries are in; what follows has other occasions
            _log.exception("spool_follow_up_failed")

    async def _inbound(self, arrival: Arrival, form: dict[str, str]) -> Inbound | None:
        text = text_of(form)
        try:
            destination = await self._numbers.find(text.to, text.messaging_service_sid)
        except DirectoryUnavailableError:
            raise AwayError("The numbers can't be read.") from None
        if destination is None or arrival.received_at < destination.since:
            # Nobody's number, or somebody else's when it came: what was written to them is not for who has it now.
            return None
        return Inbound(
            org_id=destination.org_id,
            client_id=destination.client_id,
            channel="sms",
            address=text.sender,
            body=text.body,
            external_id=text.sid,
            media=text.media,
            opt_out_type=text.opt_out_type,
            came_by="spool",
            received_at=arrival.received_at,
            message_id=arrival.message_id,
            correlation_id=arrival.correlation_id,
        )

    async def _store_texts(self, texts: Sequence[tuple[bytes, Inbound]]) -> Sequence[bytes]:
        try:
            results = await self._ingest.store([message for _, message in texts])
        except (psycopg.Error, TimeoutError, OSError) as error:
            raise AwayError(type(error).__name__) from None
        rejected = []
        for (entry, _), result in zip(texts, results, strict=True):
            if isinstance(result, Exception):
                rejected.append(_aside(entry, type(result).__name__))
            else:
                SPOOL.labels("sms", "brought_in" if result else "repeated").inc()
        return rejected

    async def _take_receipts(self, receipts: Sequence[tuple[bytes, Receipt]]) -> Sequence[bytes]:
        """Record reports, some at once: their order makes no difference, and each is a transaction of its own."""
        places = asyncio.Semaphore(RECEIPTS_AT_ONCE)

        async def take(receipt: Receipt) -> Exception | None:
            async with places:
                return await self._take_receipt(receipt)

        failures = await asyncio.gather(*(take(receipt) for _, receipt in receipts))
        rejected = []
        for (entry, _), error in zip(receipts, failures, strict=True):
            if error is not None and not is_refusal(error):
                raise AwayError(type(error).__name__)
            if error is not None:
                rejected.append(_aside(entry, type(error).__name__))
        return rejected

    async def _take_receipt(self, receipt: Receipt) -> Exception | None:
        """Record a report; return why that failed, since one must not hold up all that came after it."""
        try:
            async with asyncio.timeout(RECEIPT_WITHIN):
                outcome = await to_thread.run_sync(take_receipt, self._database, receipt, abandon_on_cancel=True)
        except Exception as error:  # noqa: BLE001  whatever it was
            return error
        SPOOL.labels("status", "repeated" if outcome == "repeated" else "brought_in").inc()
        return None


def _aside(entry: bytes, reason: str) -> bytes:
    kind, correlation_id = "unreadable", None
    with suppress(UnreadableArrivalError):
        arrival = decode(entry)
        kind, correlation_id = str(arrival.kind), str(arrival.correlation_id)
    SPOOL.labels(kind, "rejected").inc()
    _log.error("spooled_entry_rejected", kind=kind, correlation_id=correlation_id, reason=reason)
    return entry
