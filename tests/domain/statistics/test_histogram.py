"""What is read from a histogram is what was counted, as far as its buckets tell it apart."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.statistics.figures import added
from domain.statistics.histogram import BOUNDS_MS, BUCKETS, bucket_of, percentile

_SECONDS = st.floats(min_value=0, max_value=3_000, allow_nan=False)
_SHARES = st.floats(min_value=0, max_value=1)


def _counted(times: list[float]) -> list[int]:
    counts = [0] * BUCKETS
    for seconds in times:
        counts[bucket_of(seconds)] += 1
    return counts


@given(st.lists(_SECONDS, min_size=1, max_size=50), _SHARES)
def test_a_percentile_is_in_the_bucket_of_the_time_that_it_stands_for(times: list[float], share: float) -> None:
    found = percentile(_counted(times), share)
    rank = max(1, math.ceil(share * len(times) - 1e-9))
    exact = bucket_of(sorted(times)[rank - 1])
    assert found is not None
    low, high = (0 if exact == 0 else BOUNDS_MS[exact - 1]), BOUNDS_MS[exact]
    assert low * 0.999 <= found <= high * 1.001


@given(st.lists(_SECONDS, min_size=1, max_size=50), _SHARES, _SHARES)
def test_a_larger_share_never_took_less_time(times: list[float], one: float, other: float) -> None:
    counts = _counted(times)
    less, more = percentile(counts, min(one, other)), percentile(counts, max(one, other))
    assert less is not None
    assert more is not None
    assert less <= more * 1.000001


@given(st.lists(_SECONDS, max_size=20), st.lists(_SECONDS, max_size=20))
def test_histograms_of_two_add_up_to_that_of_both(mine: list[float], theirs: list[float]) -> None:
    assert added(_counted(mine), _counted(theirs)) == _counted(mine + theirs)


def test_nothing_counted_has_no_percentile() -> None:
    assert percentile([0] * BUCKETS, 0.95) is None


@pytest.mark.parametrize(("seconds", "milliseconds"), [(-5.0, 1.0), (0.0, 1.0), (1e9, BOUNDS_MS[-1])])
def test_times_beyond_any_bound_count_as_the_nearest(seconds: float, milliseconds: float) -> None:
    assert percentile(_counted([seconds]), 1.0) == milliseconds
