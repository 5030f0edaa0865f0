"""How many calls an account may have under way: unlimited until the provider asks for fewer, then found by trying.

Additive increase, multiplicative decrease, as TCP finds its window. The places are counted over all processes, in
Redis; while it is away, each process counts its own.
"""

from __future__ import annotations

import random
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Final, cast
from uuid import uuid4

from config.telemetry import PROVIDER_LIMIT
from domain.delivery.ports import Held
from providers.health.leases import Leases
from providers.health.shared import Shared

if TYPE_CHECKING:
    from redis import Redis

CEILING: Final = 64
"""A limit that has grown to this is lifted."""
QUIET_MS: Final = 600_000
"""A limit under which nothing was called for so long is lifted."""
CUT_MS: Final = 1_000
"""Answers that ask for fewer calls come in bunches: one cut for each bunch."""
FRESH_SECONDS: Final = 1.0
_WAIT: Final = (1.0, 4.0)

# KEYS: limit, places, cut. Times are the server's own, because hosts' clocks differ.
_ADMIT: Final = """
local limit = tonumber(redis.call('GET', KEYS[1]) or '0')
if limit == 0 then return {1, '0'} end
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now)
if redis.call('ZCARD', KEYS[2]) >= math.floor(limit) then return {0, tostring(limit)} end
redis.call('ZADD', KEYS[2], now + ARGV[2], ARGV[1])
redis.call('PEXPIRE', KEYS[2], ARGV[2])
return {1, tostring(limit)}
"""
_RENEW: Final = """
local t = redis.call('TIME')
local until_ms = t[1] * 1000 + math.floor(t[2] / 1000) + ARGV[1]
for i = 2, #ARGV do redis.call('ZADD', KEYS[2], 'XX', until_ms, ARGV[i]) end
redis.call('PEXPIRE', KEYS[2], ARGV[1])
return {}
"""
_ANSWERED: Final = """
redis.call('ZREM', KEYS[2], ARGV[1])
local limit = tonumber(redis.call('GET', KEYS[1]) or '0')
if limit == 0 then return '0' end
limit = limit + 1 / limit
if limit >= tonumber(ARGV[2]) then redis.call('DEL', KEYS[1]) return '0' end
redis.call('SET', KEYS[1], tostring(limit), 'PX', ARGV[3])
return tostring(limit)
"""
_THROTTLED: Final = """
redis.call('ZREM', KEYS[2], ARGV[1])
local limit = tonumber(redis.call('GET', KEYS[1]) or '0')
if not redis.call('SET', KEYS[3], '1', 'NX', 'PX', ARGV[4]) then return tostring(limit) end
if limit == 0 then limit = tonumber(ARGV[2]) end
limit = math.max(1, limit / 2)
redis.call('SET', KEYS[1], tostring(limit), 'PX', ARGV[3])
return tostring(limit)
"""


@dataclass(slots=True)
class _Account:
    """One account as this process sees it. `limit` 0: there is none. `tokens`: its calls under way, by thread."""

    limit: float = 0.0
    read_at: float = float("-inf")
    cut_at: float = float("-inf")
    tokens: dict[int, str] = field(default_factory=dict)


class Limits:
    """The limits of all accounts. Thread-safe; a call is settled by the thread that was admitted."""

    def __init__(self, shared: Shared, leases: Leases) -> None:
        self._shared = shared
        self._leases = leases
        self._lease_ms = int(leases.seconds * 1000)
        leases.renew_by(self._renew)
        self._accounts: dict[tuple[str, str], _Account] = {}
        self._lock = threading.Lock()

    def admit(self, provider: str, account: str) -> Held | None:
        """Take a place; return why a call must wait when there is none."""
        token = uuid4().hex
        with self._lock:
            view = self._accounts.setdefault((provider, account), _Account())
            if not view.limit and time.monotonic() - view.read_at < FRESH_SECONDS:
                view.tokens[threading.get_ident()] = token
                return None
            local = len(view.tokens) < view.limit if view.limit else True
        answer = self._shared.ask(lambda redis: self._run(redis, _ADMIT, provider, account, token, self._lease_ms))
        admitted, limit = (local, None) if answer is None else (bool(answer[0]), float(answer[1]))
        with self._lock:
            self._note(view, provider, limit)
            if admitted:
                view.tokens[threading.get_ident()] = token
        if admitted:
            self._leases.keep()
            return None
        wait = timedelta(seconds=random.uniform(*_WAIT))  # noqa: S311  no secret
        return Held(datetime.now(UTC) + wait, "The provider takes fewer calls at once just now.")

    def _renew(self) -> None:
        # What has no place, because there was no limit when it was admitted, gets none.
        with self._lock:
            held = {key: list(view.tokens.values()) for key, view in self._accounts.items() if view.limit}
        for (provider, account), tokens in held.items():
            if tokens:
                self._shared.ask(partial(_renew, _keys(provider, account), self._lease_ms, tokens))

    def settle(self, provider: str, account: str, *, throttled: bool, answered: bool) -> None:
        """Give the place back, and learn from what the provider said."""
        with self._lock:
            view = self._accounts.setdefault((provider, account), _Account())
            under_way = len(view.tokens)
            token = view.tokens.pop(threading.get_ident(), "")
            limited = bool(view.limit)
        if throttled:
            self._throttled(view, provider, account, token, under_way)
        elif limited and token and answered:
            self._grow(view, provider, account, token)
        elif limited and token:
            self._shared.ask(lambda redis: redis.zrem(_keys(provider, account)[1], token))

    def _grow(self, view: _Account, provider: str, account: str, token: str) -> None:
        answer = self._shared.ask(
            lambda redis: self._run(redis, _ANSWERED, provider, account, token, CEILING, QUIET_MS)
        )
        with self._lock:
            limit = None if answer is None else float(cast("str", answer))
            if limit is None and view.limit:
                grown = view.limit + 1 / view.limit
                limit = 0.0 if grown >= CEILING else grown
            self._note(view, provider, limit)

    def _throttled(self, view: _Account, provider: str, account: str, token: str, under_way: int) -> None:
        answer = self._shared.ask(
            lambda redis: self._run(redis, _THROTTLED, provider, account, token, max(under_way, 2), QUIET_MS, CUT_MS)
        )
        with self._lock:
            limit = None if answer is None else float(cast("str", answer))
            if limit is None and time.monotonic() - view.cut_at >= CUT_MS / 1000:
                view.cut_at = time.monotonic()
                limit = max(1.0, (view.limit or under_way) / 2)
            self._note(view, provider, limit)

    @staticmethod
    def _note(view: _Account, provider: str, limit: float | None) -> None:
        view.read_at = time.monotonic()
        if limit is not None and limit != view.limit:
            view.limit = limit
            PROVIDER_LIMIT.labels(provider).set(limit)

    @staticmethod
    def _run(redis: Redis, script: str, provider: str, account: str, *arguments: object) -> list[str]:
        keys = _keys(provider, account)
        return cast("list[str]", redis.eval(script, len(keys), *keys, *map(str, arguments)))


def _renew(keys: tuple[str, str, str], lease_ms: int, tokens: list[str], redis: Redis) -> None:
    redis.eval(_RENEW, len(keys), *keys, str(lease_ms), *tokens)


def _keys(provider: str, account: str) -> tuple[str, str, str]:
    name = f"gatehouse:limit:{provider}:{account}"
    return name, f"{name}:places", f"{name}:cut"
