"""Kinds and their arguments."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID, uuid4

import pytest

from domain.queue.message import Message, UnreadableArgsError, decode, encode, job, spec_for, spec_of, specs
from tests.support.queue_kinds import Note


@dataclass(frozen=True, slots=True)
class _Rich(Message):
    id: UUID
    at: datetime
    amount: Decimal
    names: tuple[str, ...] = ()


def test_arguments_of_every_usual_type_survive() -> None:
    message = _Rich(uuid4(), datetime(2026, 11, 21, 8, tzinfo=UTC), Decimal("1.10"), ("a", "b"))
    assert decode(_Rich, json.loads(encode(message))) == message


@pytest.mark.parametrize("args", [{}, {"id": "x", "at": "y", "amount": "z"}, {"id": None}])
def test_arguments_that_do_not_fit_are_permanent_and_no_value_is_shown(args: dict[str, object]) -> None:
    with pytest.raises(UnreadableArgsError, match=r"The arguments do not fit _Rich: .*at") as caught:
        decode(_Rich, {**args, "note": "my pipe burst"})
    assert caught.value.permanent
    assert "pipe" not in str(caught.value)


def test_what_a_newer_release_adds_is_ignored() -> None:
    assert decode(Note, {"text": "a", "tone": "kind"}) == Note("a")


def test_a_kind_has_one_message_type() -> None:
    with pytest.raises(ValueError, match="already declared by Note"):

        @job(kind="test.note")
        @dataclass(frozen=True)
        class Other(Message):
            pass


def test_a_spec_is_found_by_message_type_and_kind() -> None:
    spec = spec_of(Note)
    assert spec is spec_of(Note("x")) is spec_for("test.note") is specs()["test.note"]
    assert (spec.queue, spec.max_attempts, spec.time_limit) == ("default", 3, timedelta(seconds=60))
    assert spec_for("test.nothing") is None
    with pytest.raises(KeyError):
        spec_of(_Rich)
