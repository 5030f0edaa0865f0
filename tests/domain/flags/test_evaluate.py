"""What a flag is for somebody: targets in order, and shares that stay and only grow."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.flags.evaluate import drawn, evaluate
from domain.flags.ports import FlagState, Resolution, Subject, Target

TENANT, CLIENT, OTHER = UUID(int=1), UUID(int=2), UUID(int=3)
KEYS = st.from_regex(r"[a-z][a-z0-9_.-]{0,20}", fullmatch=True)
SUBJECTS = st.builds(Subject, st.none() | st.uuids(), st.none() | st.uuids(), st.none() | st.text(max_size=20))
SHARES = st.floats(0, 100)


def _flag(*targets: Target, default: bool | None = False) -> FlagState:
    return FlagState("a.flag", "boolean", default, targets)


@pytest.mark.parametrize(
    ("subject", "value", "reason"),
    [
        (Subject(), "default", "default"),
        (Subject(OTHER), "default", "default"),
        (Subject(TENANT), "tenant", "targeting_match"),
        (Subject(TENANT, OTHER), "tenant", "targeting_match"),
        (Subject(TENANT, CLIENT), "client", "targeting_match"),
        (Subject(None, CLIENT), "client", "targeting_match"),
        (Subject(OTHER, CLIENT), "client", "targeting_match"),
    ],
)
def test_the_first_target_that_fits_decides(subject: Subject, value: str, reason: str) -> None:
    flag = FlagState("a", "string", "default", (Target("client", client_id=CLIENT), Target("tenant", tenant_id=TENANT)))
    found = evaluate(flag, subject)
    assert (found.value, found.reason) == (value, reason)


def test_a_target_of_a_tenant_and_its_client_wants_both() -> None:
    flag = _flag(Target(value=True, tenant_id=TENANT, client_id=CLIENT))
    assert evaluate(flag, Subject(TENANT, CLIENT)).value is True
    assert evaluate(flag, Subject(TENANT)).value is False
    assert evaluate(flag, Subject(None, CLIENT)).value is False


def test_without_targets_the_default_is_static() -> None:
    assert evaluate(_flag(default=True), Subject(TENANT)) == Resolution(True, "static", "default")  # noqa: FBT003


def test_what_is_archived_or_of_a_wrong_type_leaves_it_to_the_code() -> None:
    archived = FlagState("a", "boolean", default=True, archived=True)
    assert evaluate(archived, Subject()) == Resolution(None, "disabled")
    assert evaluate(_flag(default=None), Subject()).reason == "error"
    wrong = evaluate(_flag(Target(None, tenant_id=TENANT)), Subject(TENANT))
    assert (wrong.value, wrong.reason, wrong.position) == (None, "error", 0)


@given(KEYS, SUBJECTS, SHARES, SHARES)
def test_a_share_is_sticky_and_grows_without_losing_anybody(key: str, subject: Subject, a: float, b: float) -> None:
    small, large = sorted((a, b))

    def within(share: float) -> bool:
        state = FlagState(key, "boolean", default=False, targets=(Target(value=True, percentage=share),))
        found = evaluate(state, subject)
        assert found == evaluate(state, subject)
        return found.value is True

    assert within(large) or not within(small)


@given(KEYS, st.uuids())
def test_a_share_of_nothing_holds_nobody_and_a_whole_one_everybody(key: str, client: UUID) -> None:
    assert 0 <= drawn(key, str(client)) < 100
    for share, expected in ((0.0, False), (100.0, True)):
        state = FlagState(key, "boolean", default=False, targets=(Target(value=True, percentage=share),))
        assert evaluate(state, Subject(None, client)).value is expected


def test_a_share_is_about_as_large_as_it_says() -> None:
    within = sum(drawn("a.flag", str(UUID(int=number))) < 20 for number in range(10_000))
    assert 1_800 < within < 2_200


def test_the_shares_of_two_flags_have_nothing_to_do_with_each_other() -> None:
    both = sum(all(drawn(key, str(n)) < 50 for key in ("one", "two")) for n in range(10_000))
    assert 2_200 < both < 2_800


def test_nobody_in_particular_is_in_no_share() -> None:
    flag = _flag(Target(value=True, percentage=100))
    assert evaluate(flag, Subject()).value is False
    assert evaluate(flag, Subject(targeting_key="somebody")).value is True


def test_two_shares_in_a_row_add_up() -> None:
    flag = FlagState("a", "string", "rest", (Target("one", percentage=20), Target("two", percentage=50)))
    got = [evaluate(flag, Subject(targeting_key=str(n))).value for n in range(5_000)]
    shares = {value: got.count(value) / len(got) for value in ("one", "two", "rest")}
    assert shares == pytest.approx({"one": 0.2, "two": 0.3, "rest": 0.5}, abs=0.03)


@given(st.lists(st.tuples(st.none() | st.just(TENANT), st.none() | st.just(CLIENT), st.none() | SHARES), max_size=5))
def test_a_decision_is_always_made(targets: list[tuple[UUID | None, UUID | None, float | None]]) -> None:
    made = [Target(value, *who) for value, who in enumerate(targets)]
    flag = FlagState("a", "integer", -1, tuple(made))
    found = evaluate(flag, Subject(TENANT, CLIENT))
    assert found.value == (-1 if found.position is None else found.position)
