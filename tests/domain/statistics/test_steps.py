"""A chart has a point for each step of its time, and what is read is still kept."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.statistics.steps import KEPT, WIDTHS, Span, Step, begin, points, step_of

_MOMENTS = st.datetimes(min_value=datetime(2000, 1, 1), max_value=datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@given(_MOMENTS, st.sampled_from(Step))
def test_a_moment_lies_in_the_step_that_begins_before_it(at: datetime, step: Step) -> None:
    begun = begin(step, at)
    assert begun <= at < begun + WIDTHS[step]
    assert begin(step, begun) == begun


@given(_MOMENTS, st.sampled_from(Span))
def test_points_follow_each_other_up_to_now(now: datetime, span: Span) -> None:
    found = points(span, now)
    assert all(after - before == WIDTHS[step_of(span)] for before, after in pairwise(found))
    assert found[-1] == begin(step_of(span), now)


@pytest.mark.parametrize("span", list(Span))
def test_what_a_chart_shows_is_kept_that_long(span: Span) -> None:
    now = datetime.now(UTC)
    assert now - points(span, now)[0] < KEPT[step_of(span)]
