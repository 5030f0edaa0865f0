"""Weighted round-robin as one would do it by hand, to compare the dispatcher with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from uuid import UUID


def by_hand(waiting: Mapping[UUID, int], weights: Mapping[UUID, int]) -> Iterator[UUID]:
    """Yield the tenants in the order in which `waiting` jobs of each are served, a round after the other."""
    left = dict(waiting)
    while any(left.values()):
        for org_id in sorted(left):
            for _ in range(min(weights.get(org_id, 1), left[org_id])):
                left[org_id] -= 1
                yield org_id
