"""Failures of one cause are found together, whatever ids, numbers, times and addresses their reasons name."""

from __future__ import annotations

import string
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from domain.queue.policy import REASON_LENGTH, fingerprint

_LETTERS = st.text(string.ascii_letters, min_size=1, max_size=12)
_HEX = st.integers(0, 2**128 - 1).map(lambda number: f"0x{number:x}")
_PATHS = st.lists(st.text(string.ascii_lowercase + string.digits + "_.-", min_size=1, max_size=9), min_size=2).map(
    lambda parts: "/" + "/".join(parts)
)
_TIMES = st.datetimes(datetime(1971, 1, 1), datetime(2090, 1, 1))  # noqa: DTZ001  the zone is written beside it
_FORMATS = st.sampled_from(
    [
        "%Y-%m-%dT%H:%M:%SZ",
        "%Y-%m-%d %H:%M:%S.%f+00:00",
        "%a, %d %b %Y %H:%M:%S GMT",
        "%d %B %Y %H:%M",
        "%H:%M:%S",
        "%m/%d/%Y %I:%M %p",
    ]
)
_VALUES = {
    "numbers": st.one_of(st.integers(), st.floats(allow_nan=False, allow_infinity=False)).map(str),
    "lists of numbers": st.lists(st.integers(0, 10_000), min_size=1).map(lambda many: ", ".join(map(str, many))),
    "ids": st.uuids().map(str),
    "ids without dashes": st.uuids().map(lambda one: one.hex).filter(lambda text: any(map(str.isdigit, text))),
    "addresses in memory": _HEX,
    "times": st.builds(lambda at, form: at.strftime(form), _TIMES, _FORMATS),
    "quoted values": st.one_of(
        st.text(string.ascii_letters + " .,/", max_size=20).map(lambda text: f"'{text}'"),
        st.text(string.ascii_letters + " .,'/", max_size=20).map(lambda text: f'"{text}"'),
        st.text(string.ascii_letters + " .,'/", max_size=20).map(lambda text: f"`{text}`"),
    ),
    "paths": _PATHS,
    "web addresses": st.builds("https://{}.example{}".format, st.text(string.ascii_lowercase, min_size=1), _PATHS),
    "e-mail addresses": st.builds("{}@{}.example".format, _LETTERS, _LETTERS),
    "phone numbers": st.integers(2_000_000_000, 9_999_999_999).map("+1{}".format),
    "durations": st.floats(0, 1e6).map("{:.1f}s".format),
}
_SENTENCES: dict[str, Callable[[str], str]] = {
    "in the middle": lambda value: f"The client's call for {value} didn't come through",
    "at the end": lambda value: f"Couldn't reach {value}",
    "in brackets": lambda value: f"ValueError: bad argument ({value}) isn't allowed",
    "with a dot": lambda value: f"No row for {value}.",
}


def _print(reason: str) -> str:
    return fingerprint("k", "E", reason)


@pytest.mark.parametrize("sentence", _SENTENCES)
@pytest.mark.parametrize("name", _VALUES)
@given(data=st.data())
def test_what_varies_makes_no_difference(name: str, sentence: str, data: st.DataObject) -> None:
    one, other = data.draw(_VALUES[name]), data.draw(_VALUES[name])
    put = _SENTENCES[sentence]
    assert _print(put(one)) == _print(put(other)), (put(one), put(other))


@given(st.lists(_LETTERS, min_size=1, max_size=6), st.lists(_LETTERS, min_size=1, max_size=6))
def test_words_make_a_difference(one: list[str], other: list[str]) -> None:
    assume(one != other)
    assert _print(" ".join(one)) != _print(" ".join(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Twilio didn't answer 'Ann'", "Twilio didn't take 'Bob'"),
        ("It's 3 days late", "It's 3 days early"),
        ("POST /v1/messages: refused", "POST /v1/messages: timed out"),
        ("key 'a' is missing in 'b'", "key 'a' is not wanted in 'b'"),
    ],
)
def test_an_apostrophe_quotes_nothing_and_a_path_ends(one: str, other: str) -> None:
    assert _print(one) != _print(other)


@pytest.mark.parametrize(
    "reason", ["'" * REASON_LENGTH, "/a" * REASON_LENGTH, "1 " * REASON_LENGTH, "May " * REASON_LENGTH, "`\u201c" * 999]
)
def test_no_reason_takes_long(reason: str) -> None:
    started = time.process_time()
    _print(reason)
    assert timedelta(seconds=time.process_time() - started) < timedelta(seconds=0.5)


def test_the_day_of_an_error_does_not_split_its_group() -> None:
    days = [datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=31 * month) for month in range(12)]
    assert len({_print(f"certificate expired on {day:%b %d %H:%M:%S %Y} GMT") for day in days}) == 1
