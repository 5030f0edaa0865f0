"""What this process's metrics say."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import REGISTRY


def figure(name: str, **labels: str) -> float:
    """Return a metric's value, 0 when there is none."""
    return REGISTRY.get_sample_value(name, labels) or 0.0


@contextmanager
def rises(name: str, by: float, **labels: str) -> Iterator[None]:
    """Assert that a counter rises by so much in the block."""
    before = figure(name, **labels)
    yield
    assert figure(name, **labels) - before == by, name
