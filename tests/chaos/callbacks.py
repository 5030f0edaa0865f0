"""Status callbacks of the double: later, some repeated, some out of order, each tried once more when not taken."""

from __future__ import annotations

import heapq
import itertools
import threading
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlencode

from tests.chaos.customers import Callbacks, Temper, customer, index_of
from tests.chaos.gatehouse import ACCOUNT_SID
from tests.support.twilio_api import Sent
from tests.support.twilio_webhook import signature

_POSTERS: Final = 8
_TIMEOUT: Final = 5.0
_AGAIN_AFTER: Final = 2.0
_SENT_AFTER, _FINAL_AFTER = 0.5, 1.5

_Due = tuple[float, int, Sent, str, int | None, bool]


class Reporter:
    """Posts what became of each text that asked for it, from a thread that waits and a few that post."""

    def __init__(self) -> None:
        self._due: list[_Due] = []
        self._order = itertools.count()
        self._changed = threading.Condition()
        self._pool = ThreadPoolExecutor(_POSTERS, thread_name_prefix="callback")
        threading.Thread(target=self._work, name="callbacks", daemon=True).start()

    def report(self, sent: Sent, seed: int) -> None:
        """Plan the callbacks of a text that was just taken."""
        index = index_of(sent.to)
        final, code = "delivered", None
        way = Callbacks.ORDERLY
        if index is not None:
            who = customer(seed, index)
            way = who.callbacks
            if who.temper is Temper.OPTED_OUT_LATER:
                final, code = "undelivered", 21610
        times = {"sent": _SENT_AFTER, final: _FINAL_AFTER}
        if way is Callbacks.REORDERED:
            times = {"sent": _FINAL_AFTER, final: _SENT_AFTER}
        now = time.monotonic()
        with self._changed:
            for status, after in times.items():
                error = code if status == final else None
                for repeat in range(2 if way is Callbacks.REPEATED else 1):
                    due = now + after + repeat * 0.3
                    heapq.heappush(self._due, (due, next(self._order), sent, status, error, True))
            self._changed.notify()

    def _work(self) -> None:
        while True:
            with self._changed:
                wait = self._due[0][0] - time.monotonic() if self._due else 60.0
                if wait > 0:
                    self._changed.wait(wait)
                    continue
                due = heapq.heappop(self._due)
            self._pool.submit(self._post, due)

    def _post(self, due: _Due) -> None:
        _, _, sent, status, code, again = due
        sent.sent_at = sent.sent_at or datetime.now(UTC)
        if sent.status in ("queued", "sent"):
            sent.status, sent.error_code = status, code
        url = sent.fields.get("StatusCallback")
        if url is None or _posted(url, sent, status, code) or not again:
            return
        with self._changed:
            later = time.monotonic() + _AGAIN_AFTER
            heapq.heappush(self._due, (later, next(self._order), sent, status, code, False))
            self._changed.notify()


def _posted(url: str, sent: Sent, status: str, code: int | None) -> bool:
    form = {
        "AccountSid": ACCOUNT_SID,
        "MessageSid": sent.sid,
        "SmsSid": sent.sid,
        "MessageStatus": status,
        "SmsStatus": status,
        "To": sent.to,
        "From": sent.fields.get("From", ""),
        "ApiVersion": "2010-04-01",
    } | ({} if code is None else {"ErrorCode": str(code)})
    headers = {"X-Twilio-Signature": signature(url, form)}
    request = urllib.request.Request(url, urlencode(form).encode(), headers)  # noqa: S310  # the house's own address
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT) as answer:  # noqa: S310
            return bool(answer.status)
    except OSError:
        return False
