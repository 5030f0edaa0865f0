"""How long things took, as counts between bounds that double: from a millisecond to over an hour in 24 numbers.

A histogram adds up, over time and over tenants, which percentiles do not. What is read from one is right to within its
bucket, so at worst to a factor of two, and mostly much closer.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from typing import Final

BOUNDS_MS: Final = tuple(1 << power for power in range(23))
"""The upper bounds of all buckets but the last, in milliseconds. To change them takes a migration of what is stored."""
BUCKETS: Final = len(BOUNDS_MS) + 1


def bucket_of(seconds: float) -> int:
    """Return the place of the bucket that a time falls into; less than nothing (a clock was set) counts as nothing."""
    return bisect_left(BOUNDS_MS, max(0.0, seconds) * 1000)


def percentile(counts: Sequence[int], share: float) -> float | None:
    """Return the time in milliseconds that a share (0 to 1) of what was counted did not exceed; None without any.

    Within a bucket times are taken to be spread evenly on the scale of the bounds. Of the last bucket only its lower
    bound is known, and that is what is returned.
    """
    total = sum(counts)
    if total <= 0:
        return None
    wanted = min(1.0, max(0.0, share)) * total
    below = 0
    for place, count in enumerate(counts):
        if count > 0 and below + count >= wanted:
            return _within(place, (wanted - below) / count)
        below += count
    return float(BOUNDS_MS[-1])


def _within(place: int, share: float) -> float:
    if place >= len(BOUNDS_MS):
        return float(BOUNDS_MS[-1])
    if place == 0:
        return BOUNDS_MS[0] * share
    low, high = BOUNDS_MS[place - 1], BOUNDS_MS[place]
    return low * math.pow(high / low, share)
