"""A provider's health for tests: says what it is told to say, and remembers what it was asked and told."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from uuid import UUID

from domain.delivery.ports import CameTo, Held


class WatchedHealth:
    """A ProviderHealth that admits every call until it is told to hold them."""

    def __init__(self) -> None:
        self.held: Held | None = None
        self.asked: list[tuple[str, str, UUID]] = []
        self.came_to: list[CameTo] = []
        self._under_way: Counter[tuple[str, str, UUID]] = Counter()

    def hold(self, until: datetime) -> None:
        """From now on hold every call until then."""
        self.held = Held(until, "The provider is away.")

    def release(self) -> None:
        """From now on admit every call."""
        self.held = None

    @property
    def under_way(self) -> int:
        """How many calls were admitted and not settled yet."""
        return self._under_way.total()

    def admit(self, provider: str, account: str, client_id: UUID) -> Held | None:
        self.asked.append((provider, account, client_id))
        if self.held is None:
            self._under_way[provider, account, client_id] += 1
        return self.held

    def settle(self, provider: str, account: str, client_id: UUID, came_to: CameTo) -> None:
        self._under_way[provider, account, client_id] -= 1
        assert self._under_way[provider, account, client_id] >= 0, "settled more often than admitted"
        self.came_to.append(came_to)
