"""A circuit for each provider and client, after Nygard's "Release It!": pybreaker's states, shared through Redis.

pybreaker holds its lock for as long as a guarded call takes and asks its storage several times a call. Neither may
happen to sends, so a call is made outside, and only its outcome goes through the breaker.
"""

from __future__ import annotations

import random
import threading
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

import pybreaker
from pybreaker import STATE_CLOSED, STATE_HALF_OPEN, STATE_OPEN

from config.telemetry import CIRCUIT_CHANGES
from domain.delivery.ports import Held
from providers.health.leases import Leases
from providers.health.shared import Shared

FAILURES: Final = 5
"""Failed calls in a row that open a circuit."""
OPEN_SECONDS: Final = 5.0
"""An open circuit is tried by one call this often, so it closes soon after the provider is back."""
PROBE_SECONDS: Final = 20.0
"""The longest that the trying call may take, where processes can't tell each other that it is under way."""
FRESH_SECONDS: Final = 1.0
"""How old a process's view of a circuit may be."""
KEPT: Final = 20_000
_SPREAD: Final = 0.5
"""Held calls come back spread over so much more of the wait, not all at once."""


class ProviderFailedError(Exception):
    """A call failed: what the breaker counts."""


class _Storage(pybreaker.CircuitBreakerStorage):
    """A circuit's state: this process's view, written through to the others."""

    def __init__(self, name: str, shared: Shared) -> None:
        super().__init__("shared")
        self._circuit = name
        self._shared = shared
        self._state: str = STATE_CLOSED
        self._failures = self._successes = 0
        self._opened_at: datetime | None = None
        self._read_at = float("-inf")

    def refresh(self) -> None:
        """Read what other processes know, unless this was done just now."""
        if time.monotonic() - self._read_at < FRESH_SECONDS:
            return
        self._read_at = time.monotonic()
        known = self._shared.read_circuit(self._circuit)
        if known is not None:
            self._state = known.get("state", STATE_CLOSED)
            self._failures = int(known.get("failures", "0"))
            opened_at = known.get("opened_at")
            self._opened_at = None if opened_at is None else datetime.fromisoformat(opened_at)

    @property
    def state(self) -> str:
        return self._state

    @state.setter
    def state(self, state: str) -> None:
        if state != self._state:
            CIRCUIT_CHANGES.labels(self._circuit.partition(":")[0], state).inc()
        self._state = state
        self._shared.write_circuit(self._circuit, {"state": state})

    def increment_counter(self) -> None:
        counted = self._shared.count_failure(self._circuit)
        self._failures = self._failures + 1 if counted is None else counted

    def reset_counter(self) -> None:
        if self._failures:
            self._failures = 0
            self._shared.write_circuit(self._circuit, {"failures": 0})

    def increment_success_counter(self) -> None:
        self._successes += 1

    def reset_success_counter(self) -> None:
        self._successes = 0

    @property
    def counter(self) -> int:
        return self._failures

    @property
    def success_counter(self) -> int:
        return self._successes

    @property
    def opened_at(self) -> datetime | None:
        return self._opened_at

    @opened_at.setter
    def opened_at(self, at: datetime) -> None:
        self._opened_at = at
        self._shared.write_circuit(self._circuit, {"opened_at": at.isoformat()})


class _Circuit:
    """One circuit: pybreaker's state machine and the storage beneath it."""

    def __init__(self, name: str, shared: Shared, open_seconds: float, leases: Leases) -> None:
        self._name = name
        self._leases = leases
        self._probing = False
        self._shared = shared
        self._storage = _Storage(name, shared)
        self._breaker = pybreaker.CircuitBreaker(
            fail_max=FAILURES,
            reset_timeout=open_seconds,
            state_storage=self._storage,
            name=name,
            throw_new_error_on_trip=False,
        )
        self._open_for = timedelta(seconds=open_seconds)
        self._probed_at = float("-inf")
        self._lock = threading.Lock()

    def admit(self) -> Held | None:
        with self._lock:
            self._storage.refresh()
            if self._storage.state == STATE_CLOSED:
                return None
            now = datetime.now(UTC)
            since = self._storage.opened_at or now - self._open_for
            # Less than nothing: the clock was set back; a circuit must not stay open for that long.
            if self._storage.state == STATE_OPEN and timedelta(0) <= now - since < self._open_for:
                return self._held(since + self._open_for - now)
            if not self._take_probe():
                return self._held(self._open_for / 4)
            self._breaker.half_open()
            return None

    def settle(self, *, failed: bool) -> None:
        with self._lock:
            if not failed and self._storage.state == STATE_CLOSED and not self._storage.counter:
                return
            trying = self._storage.state == STATE_HALF_OPEN
            # The second error: it was opened meanwhile, which one late answer does not change.
            with suppress(ProviderFailedError, pybreaker.CircuitBreakerError):
                self._breaker.call(_fail if failed else _succeed)
            if trying:
                self._give_probe_back()

    def refuse(self) -> None:
        with self._lock:
            self._breaker.open()
            self._give_probe_back()

    def withdraw(self) -> None:
        with self._lock:
            if self._storage.state == STATE_HALF_OPEN:
                self._give_probe_back()

    def renew(self) -> None:
        if self._probing:
            self._shared.keep_probe(self._name, self._leases.seconds)

    def _take_probe(self) -> bool:
        taken = self._shared.take_probe(self._name, self._leases.seconds)
        if taken is None:
            taken = time.monotonic() - self._probed_at >= PROBE_SECONDS
        if taken:
            self._probed_at = time.monotonic()
            self._probing = True
            self._leases.keep()
        return taken

    def _give_probe_back(self) -> None:
        self._probing = False
        self._probed_at = float("-inf")
        self._shared.give_probe_back(self._name)

    def _held(self, wait: timedelta) -> Held:
        wait = wait + self._open_for * random.uniform(0, _SPREAD)  # noqa: S311  no secret
        return Held(datetime.now(UTC) + wait, "The provider fails for this client, so its texts wait.")


class Circuits:
    """The circuits of all providers and clients. Thread-safe."""

    def __init__(self, shared: Shared, leases: Leases, *, open_seconds: float = OPEN_SECONDS) -> None:
        self._shared = shared
        self._leases = leases
        leases.renew_by(self._renew)
        self._open_seconds = open_seconds
        self._circuits: dict[tuple[str, UUID], _Circuit] = {}
        self._lock = threading.Lock()

    def admit(self, provider: str, client_id: UUID) -> Held | None:
        """Return why a call must wait, or None. An open circuit lets one call through now and then, to try."""
        return self._circuit(provider, client_id).admit()

    def answered(self, provider: str, client_id: UUID) -> None:
        """Count a call that was answered."""
        self._circuit(provider, client_id).settle(failed=False)

    def failed(self, provider: str, client_id: UUID) -> None:
        """Count a call that failed."""
        self._circuit(provider, client_id).settle(failed=True)

    def refused(self, provider: str, client_id: UUID) -> None:
        """Open the circuit: the provider will have none of this client's calls."""
        self._circuit(provider, client_id).refuse()

    def not_called(self, provider: str, client_id: UUID) -> None:
        """Take back an admission that was not used."""
        self._circuit(provider, client_id).withdraw()

    def _renew(self) -> None:
        with self._lock:
            circuits = list(self._circuits.values())
        for circuit in circuits:
            circuit.renew()

    def _circuit(self, provider: str, client_id: UUID) -> _Circuit:
        key = provider, client_id
        with self._lock:
            circuit = self._circuits.get(key)
            if circuit is None:
                if len(self._circuits) >= KEPT:
                    self._circuits.pop(next(iter(self._circuits)))
                name = f"{provider}:{client_id}"
                circuit = self._circuits[key] = _Circuit(name, self._shared, self._open_seconds, self._leases)
            return circuit


def _succeed() -> None:
    pass


def _fail() -> None:
    raise ProviderFailedError
