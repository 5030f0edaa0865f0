"""Ids as bounds of time, and lists that look through no more than a stretch."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from domain.kernel.ids import first_id_at, id_at, moment_of
from domain.kernel.looking import Span

_MOMENTS = st.datetimes(datetime(1971, 1, 1), datetime(9000, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001  # the zone follows


@given(_MOMENTS)
def test_the_first_id_of_a_moment_is_no_later_than_any_made_in_it(moment: datetime) -> None:
    first = first_id_at(moment)
    assert first <= id_at(moment)
    assert first > id_at(moment - timedelta(milliseconds=2))
    assert first.version == 7


@given(_MOMENTS)
def test_an_id_tells_when_it_was_made(moment: datetime) -> None:
    assert abs(moment_of(id_at(moment)) - moment) <= timedelta(milliseconds=2)


@given(st.uuids())
def test_an_id_that_holds_no_time_is_of_some_time_all_the_same(anything: object) -> None:
    assert moment_of(anything).tzinfo is UTC  # type: ignore[arg-type]


def test_a_span_without_ends_narrows_nothing() -> None:
    assert Span().conditions(object()) == []
