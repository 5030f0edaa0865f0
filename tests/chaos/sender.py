"""The other side of the webhooks: posts each customer's texts as Twilio does, and keeps what was accepted when."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import httpx

from tests.chaos.customers import Customer, Text
from tests.chaos.tenants import client_number, tenant_of
from tests.support.twilio_webhook import encoded, signed, sms_form

_PATH: Final = "/webhooks/twilio/sms"
_TIMEOUT: Final = 15.0
_LONGEST_PAUSE: Final = 4.0
_GIVE_UP_AFTER: Final = 240.0
_AT_ONCE: Final = 400
_TICK: Final = 0.05


@dataclass(slots=True)
class Posted:
    """One text: when it was first posted, when it was accepted (seconds since the epoch), how often it was posted."""

    text: Text
    sid: str
    first_at: float
    accepted_at: float | None = None
    tries: int = 0


class Sender:
    """Posts the texts of all customers at a rate that may change. Runs in a thread of its own.

    `pace` returns the customers per second to begin with now, given how many are left. The provider's double, at
    `provider`, learns of each text, as Twilio knows what it forwards.
    """

    def __init__(self, url: str, provider: str, customers: Sequence[Customer], pace: Callable[[int], float]) -> None:
        self.posted: list[Posted] = []
        self.done = threading.Event()
        self._url = url
        self._provider = provider
        self._customers = customers
        self._pace = pace
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._work()), name="sender", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Begin with no more customers, and wait for what is under way."""
        self._stopping.set()
        self._thread.join(_TIMEOUT * 2)

    async def _work(self) -> None:
        limits = httpx.Limits(max_connections=_AT_ONCE, max_keepalive_connections=50)
        async with httpx.AsyncClient(base_url=self._url, timeout=_TIMEOUT, limits=limits) as client:
            under_way: set[asyncio.Task[None]] = set()
            index, due = 0, 0.0
            last = time.monotonic()
            while index < len(self._customers) and not self._stopping.is_set():
                now = time.monotonic()
                due = min(due + self._pace(len(self._customers) - index) * (now - last), _AT_ONCE)
                last = now
                while due >= 1 and index < len(self._customers) and len(under_way) < _AT_ONCE:
                    task = asyncio.create_task(self._serve(client, self._customers[index]))
                    under_way.add(task)
                    task.add_done_callback(under_way.discard)
                    index, due = index + 1, due - 1
                await asyncio.sleep(_TICK)
            while under_way and not self._stopping.is_set():
                await asyncio.wait(under_way, timeout=0.5)
        self.done.set()

    async def _serve(self, client: httpx.AsyncClient, who: Customer) -> None:
        for text in who.texts:
            form = sms_form(text.body, From=who.number, To=client_number(tenant_of(who)))
            posted = Posted(text, form["MessageSid"], time.time())
            self.posted.append(posted)
            await client.post(f"{self._provider}/inbound", content=encoded(form))
            if who.withheld:
                return
            await self._post(client, form, posted)
            if posted.accepted_at is None:
                return
            if who.posted_twice:
                await self._once(client, form)

    async def _post(self, client: httpx.AsyncClient, form: dict[str, str], posted: Posted) -> None:
        pause = 0.5
        while time.time() - posted.first_at < _GIVE_UP_AFTER and not self._stopping.is_set():
            posted.tries += 1
            if await self._once(client, form):
                posted.accepted_at = time.time()
                return
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)

    async def _once(self, client: httpx.AsyncClient, form: dict[str, str]) -> bool:
        try:
            answer = await client.post(_PATH, content=encoded(form), headers=signed(self._url, form))
        except httpx.TransportError:
            return False
        return answer.is_success
