"""What a flag may hold, when it is written and when it is read."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.flags.definitions import ANSWER_THRESHOLD, DEFINITIONS, TAKEOVER_MINUTES, Definition
from domain.flags.errors import InvalidFlagError
from domain.flags.ports import ValueType
from domain.flags.state import states
from domain.flags.values import check, fits

TYPES: tuple[ValueType, ...] = ("boolean", "string", "integer", "float", "object")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


@pytest.mark.parametrize(
    ("value_type", "value"),
    [
        ("boolean", 1),
        ("boolean", "true"),
        ("string", 1),
        ("integer", True),
        ("integer", 1.0),
        ("integer", 2**53),
        ("float", True),
        ("float", "1"),
        ("float", float("nan")),
        ("float", float("inf")),
        ("object", "{}"),
        ("object", {"a": float("nan")}),
        ("object", {"a": "\x00"}),
        ("object", ["\ud800"]),
        ("string", "\x00"),
        ("string", "\ud800"),
        ("string", "a" * 2_001),
        ("object", ["a" * 16_000]),
        ("boolean", None),
    ],
)
def test_a_value_of_another_type_or_size_is_refused_in_words(value_type: ValueType, value: object) -> None:
    with pytest.raises(InvalidFlagError, match=r"\.$"):
        check(value_type, value)


def test_a_whole_number_passes_for_a_float() -> None:
    found = check("float", 1)
    assert (found, type(found)) == (1.0, float)


@pytest.mark.parametrize("value", [0, 10_081])
def test_a_setting_keeps_its_bounds(value: int) -> None:
    with pytest.raises(InvalidFlagError, match="between 1 and 10080"):
        check("integer", value, TAKEOVER_MINUTES)


@given(st.sampled_from(TYPES), JSON)
def test_what_is_accepted_can_be_stored_and_read_back(value_type: ValueType, value: Any) -> None:  # noqa: ANN401
    if fits(value_type, value):
        kept = check(value_type, value)
        assert json.loads(json.dumps(kept)) == kept
        kept_state = states([("own", value_type, kept, False, [])])["own"]
        assert kept_state.default == kept


@given(st.sampled_from(TYPES), JSON)
def test_reading_trusts_nothing_and_never_fails(value_type: ValueType, value: Any) -> None:  # noqa: ANN401
    for key in ("own", TAKEOVER_MINUTES.key):
        state = states([(key, value_type, value, False, [[value, None, None, 10.0]])])[key]
        usable = fits(value_type, value, DEFINITIONS.get(key)) and (key == "own" or value_type == "integer")
        assert (state.default is not None) == usable
        assert (state.targets[0].value is not None) == usable


@pytest.mark.parametrize("definition", DEFINITIONS.values(), ids=str)
def test_each_definition_is_whole(definition: Definition) -> None:
    assert check(definition.value_type, definition.default, definition) == definition.default
    assert definition.about.endswith(".")
    assert definition.read_by
    if definition.kind == "kill_switch":
        assert (definition.value_type, definition.default) == ("boolean", False)


def test_a_threshold_is_a_share() -> None:
    assert not fits("float", 1.01, ANSWER_THRESHOLD)
