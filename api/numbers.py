"""Which client a text is for, answered from memory: the webhook's hot path asks no database.

The directory is read whole when it is asked first, and brought up to date every few seconds by what changed, so that a
number that was given to another client is soon that one's, however little traffic there is. A number that is not in it
is looked for once more in the database, but all such requests of a second share one query, so hostile traffic costs
nothing.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy import Row, func, select
from sqlalchemy.exc import SQLAlchemyError

from domain.clients.models import Client
from domain.kernel.database import Database
from domain.kernel.errors import GatehouseError

FRESH_SECONDS: Final = 5.0
MISS_SECONDS: Final = 1.0
ANSWER_WITHIN: Final = 3.0
"""Seconds for which a request waits for the database to be asked about a number that is not known."""
OVERLAP: Final = timedelta(minutes=1)
"""Looked at again each time: a change carries the time at which its transaction began, and may be seen later."""
WHOLE_SECONDS: Final = 300.0
"""Every so often the directory is read whole, which also forgets numbers that were given up."""
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Destination:
    """The client that a text is for. `since`: from when on texts to the number, or by the service, are its own."""

    org_id: UUID
    client_id: UUID
    since: datetime = field(compare=False)


class DirectoryUnavailableError(GatehouseError):
    """Nobody can tell just now whose number it is."""


class NumberDirectory:
    """Numbers and Messaging Services of all clients. Lives on one event loop."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._by_number: dict[str, Destination] = {}
        self._by_service: dict[str, dict[UUID, Destination]] = {}
        self._newest: datetime | None = None
        self._read_at = self._read_whole_at = self._sought_at = float("-inf")
        self._refreshing: asyncio.Task[None] | None = None
        self._beating: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Keep up with changes from now on, whether anybody asks or not."""
        self._beating = asyncio.create_task(self._beat(), name="number-directory-beat")

    async def find(self, to: str, messaging_service_sid: str | None) -> Destination | None:
        """Return the client that owns the number, else the one that owns the Messaging Service.

        The number comes first: a text to a number in a service's pool carries both, and only the number is one
        client's own. Of several that share a service it is the one that has had it for longest.
        """
        found = self._look(to, messaging_service_sid)
        if found is not None:
            if time.monotonic() - self._read_at > FRESH_SECONDS:
                self._refresh_soon()
            return found
        if time.monotonic() - self._sought_at > MISS_SECONDS:
            read_at = self._read_at
            await asyncio.wait({self._refresh_soon()}, timeout=ANSWER_WITHIN)
            found = self._look(to, messaging_service_sid)
            if found is None and self._read_at == read_at:
                raise DirectoryUnavailableError
            self._sought_at = time.monotonic()
        return found

    async def close(self) -> None:
        """Let a look into the database come to its end, before that is closed; a hung one is left alone."""
        if self._beating is not None:
            self._beating.cancel()
        if self._refreshing is not None:
            await asyncio.wait({self._refreshing}, timeout=ANSWER_WITHIN)

    def _look(self, to: str, service: str | None) -> Destination | None:
        found = self._by_number.get(to)
        if found is None and service:
            return min(self._by_service.get(service, {}).values(), key=lambda one: one.since, default=None)
        return found

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(FRESH_SECONDS)
            await asyncio.wait({self._refresh_soon()})

    def _refresh_soon(self) -> asyncio.Task[None]:
        if self._refreshing is None or self._refreshing.done():
            self._refreshing = asyncio.create_task(self._refresh(), name="number-directory")
        return self._refreshing

    async def _refresh(self) -> None:
        whole = time.monotonic() - self._read_whole_at > WHOLE_SECONDS
        try:
            rows = await asyncio.to_thread(self._read, None if whole else self._newest)
        except SQLAlchemyError as error:
            _log.warning("number_directory_is_old", error=type(error).__name__)
            return
        if whole:
            self._by_number, self._by_service = {}, {}
            self._read_whole_at = time.monotonic()
        changed = {client_id for _, client_id, *_ in rows}
        for gone in [number for number, one in self._by_number.items() if one.client_id in changed]:
            del self._by_number[gone]
        for holders in self._by_service.values():
            for client_id in changed & holders.keys():
                del holders[client_id]
        for org_id, client_id, number, since, service, service_since, updated_at in rows:
            if number:
                self._by_number[number] = Destination(org_id, client_id, since)
            if service:
                self._by_service.setdefault(service, {})[client_id] = Destination(org_id, client_id, service_since)
            self._newest = max(self._newest or updated_at, updated_at)
        self._read_at = time.monotonic()

    def _read(
        self, since: datetime | None
    ) -> Sequence[Row[UUID, UUID, str | None, datetime, str | None, datetime, datetime]]:
        query = select(
            Client.org_id,
            Client.id,
            Client.sms_number,
            func.coalesce(Client.sms_number_since, Client.created_at),
            Client.messaging_service_sid,
            func.coalesce(Client.messaging_service_since, Client.created_at),
            Client.updated_at,
        ).order_by(Client.updated_at)
        if since is not None:
            query = query.where(Client.updated_at >= since - OVERLAP)
        with self._database.platform_scope() as session:
            return session.execute(query).all()
