"""Circuits and limits together, as delivery asks for them."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from config.telemetry import PROVIDER_HELD
from domain.delivery.ports import CameTo, Held
from providers.health.circuits import OPEN_SECONDS, Circuits
from providers.health.leases import LEASE_SECONDS, Leases
from providers.health.limits import Limits
from providers.health.shared import Shared


class SharedHealth:
    """Implements `domain.delivery.ports.ProviderHealth` over Redis. Thread-safe."""

    def __init__(self, url: str, *, open_seconds: float = OPEN_SECONDS, lease_seconds: float = LEASE_SECONDS) -> None:
        self._shared = Shared(url)
        self._leases = Leases(lease_seconds)
        self._circuits = Circuits(self._shared, self._leases, open_seconds=open_seconds)
        self._limits = Limits(self._shared, self._leases)

    def admit(self, provider: str, account: str, client_id: UUID) -> Held | None:
        """Ask for one call; the circuit first, since a place that is taken has to be given back."""
        held = self._circuits.admit(provider, client_id)
        if held is not None:
            PROVIDER_HELD.labels(provider, "circuit").inc()
            return held
        held = self._limits.admit(provider, account)
        if held is not None:
            PROVIDER_HELD.labels(provider, "limit").inc()
            self._circuits.not_called(provider, client_id)
        return held

    def settle(self, provider: str, account: str, client_id: UUID, came_to: CameTo) -> None:
        """Report an admitted call."""
        answered = came_to == "answered"
        self._limits.settle(provider, account, throttled=came_to == "throttled", answered=answered)
        match came_to:
            case "answered" | "throttled":
                self._circuits.answered(provider, client_id)
            case "failed":
                self._circuits.failed(provider, client_id)
            case "refused":
                self._circuits.refused(provider, client_id)
            case "not_called":
                self._circuits.not_called(provider, client_id)

    def open_circuits(self) -> Mapping[tuple[str, UUID], float]:
        """Return the circuits that are not closed, by provider and client, with the time (Unix) they opened at."""
        return self._shared.open_circuits()

    def close(self) -> None:
        """Close the connections."""
        self._leases.close()
        self._shared.close()
