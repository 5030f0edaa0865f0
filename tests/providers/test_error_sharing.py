"""The last errors of all processes come together in one place, and Redis being away costs nothing but the sharing."""

from __future__ import annotations

from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis import Redis
from redis.exceptions import RedisError

from domain.kernel.recent_errors import MINUTES, PARTS, LastError, Part, RecentErrors
from providers.error_sharing import KEY, ErrorSharing, read_shared, together
from tests.support.eventually import eventually
from tests.support.private_redis import PrivateRedis


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


def test_an_error_is_kept_redacted_with_its_class() -> None:
    errors = RecentErrors(Clock())
    errors.note("providers", ConnectionError("no answer for +15005550006\nmore lines"))
    assert set(errors.standing()) == {"providers"}
    last = errors.standing()["providers"]
    assert (last.error_class, last.words) == ("ConnectionError", "no answer for [phone …06]")


def test_errors_are_counted_for_fifteen_minutes() -> None:
    clock = Clock()
    errors = RecentErrors(clock)
    for _ in range(40):
        errors.note("jobs", ValueError("x"))
        clock.now += 60
    last = errors.standing()["jobs"]
    assert last.recent(clock.now - 60) == MINUTES
    assert len(last.minutes) <= MINUTES
    assert last.recent(clock.now + MINUTES * 60) == 0


@given(
    st.lists(
        st.dictionaries(
            st.sampled_from(PARTS),
            st.builds(
                LastError,
                st.just("E"),
                st.text(),
                st.floats(0, 1e9),
                st.dictionaries(st.integers(0, 20), st.integers(1, 9), max_size=4),
            ),
        ),
        max_size=4,
    )
)
def test_together_no_error_is_lost_and_the_newest_is_told(processes: list[dict[Part, LastError]]) -> None:
    whole = together(processes)
    assert set(whole) == {part for errors in processes for part in errors}
    for part, last in whole.items():
        ones = [errors[part] for errors in processes if part in errors]
        assert last.at == max(one.at for one in ones)
        assert sum(last.minutes.values()) == sum(sum(one.minutes.values()) for one in ones)


@pytest.mark.integration
def test_another_process_reads_what_one_noted(redis_url: str) -> None:
    recent = RecentErrors()
    with closing(ErrorSharing(redis_url, "worker", recent)) as sharing:
        sharing.start()
        recent.note("database", OSError("gone"))
        (errors,) = eventually(lambda: read_shared(redis_url))
        assert errors["database"].words == "gone"
        assert errors["database"].recent(errors["database"].at) == 1
        assert read_shared(redis_url, without=sharing.name) == []


@pytest.mark.integration
def test_what_another_release_wrote_is_passed_over_and_what_is_old_is_forgotten(redis_url: str) -> None:
    with Redis.from_url(redis_url) as redis:
        redis.hset(KEY, "newer", '{"jobs": {"in": "another form"}}')
        redis.hset(KEY, "older", '{"jobs": ["E", "words", 1000.0, {"16": 2}]}')
        assert read_shared(redis_url) == [{}]
        assert redis.hkeys(KEY) == [b"newer"]


@pytest.mark.integration
def test_errors_are_shared_once_redis_is_back() -> None:
    private = PrivateRedis()
    recent = RecentErrors()
    with closing(ErrorSharing(private.url, "api", recent)) as sharing:
        sharing.start()
        recent.note("redis", ConnectionError("away"))
        with pytest.raises(RedisError):
            read_shared(private.url)
        with private:
            (errors,) = eventually(lambda: read_shared(private.url), within=15)
            assert errors["redis"].error_class == "ConnectionError"
