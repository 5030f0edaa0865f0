"""Keep to the account's maximum send rate, which SES counts over all senders of the account.

Each process keeps to the whole rate by itself. When several together are over it, SES throttles, which uses up nothing:
what was throttled is sent later, and fewer calls are made at once meanwhile.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Final

import structlog

ASK_EVERY: Final = timedelta(hours=1)
"""AWS raises the rate by itself as an account proves itself."""
_log = structlog.get_logger(__name__)


class Pace:
    """Hands out turns, at most `rate` a second with as many at once; without a known rate there is no limit.

    `ask` returns the rate, or None; it is called in a thread of its own, so that no sender waits for it. `now` returns
    seconds of a clock that never steps back, and `pause` waits for seconds.
    """

    def __init__(
        self,
        ask: Callable[[], float | None],
        *,
        now: Callable[[], float] = time.monotonic,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._ask = ask
        self._now = now
        self._pause = pause
        self._lock = threading.Lock()
        self._rate: float | None = None
        self._asked_at: float | None = None
        self._free_at = 0.0

    def wait_for_turn(self, longest: timedelta) -> timedelta | None:
        """Wait for a turn, up to `longest`, and return None; or return at once how long it would have taken."""
        self._refresh()
        with self._lock:
            if not self._rate or self._rate < 0:
                return None
            now, step = self._now(), 1 / self._rate
            # A second's worth may go at once after a rest.
            turn = max(self._free_at, now - max(0.0, 1 - step))
            wait = turn - now
            if wait > longest.total_seconds():
                return timedelta(seconds=wait)
            self._free_at = turn + step
        if wait > 0:
            self._pause(wait)
        return None

    def _refresh(self) -> None:
        with self._lock:
            now = self._now()
            if self._asked_at is not None and now - self._asked_at < ASK_EVERY.total_seconds():
                return
            self._asked_at = now
        threading.Thread(target=self._learn, name="ses-send-rate", daemon=True).start()

    def _learn(self) -> None:
        try:
            rate = self._ask()
        except Exception as error:  # noqa: BLE001  # sending goes on without it
            _log.warning("send_rate_unknown", error=type(error).__name__)
            return
        with self._lock:
            self._rate = rate
