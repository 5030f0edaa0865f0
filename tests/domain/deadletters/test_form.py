"""The arguments of a letter as fields of a form, and back."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.conversations.messages import PROCESS, ProcessMessages
from domain.deadletters.form import arguments_of, read_arguments, unknown_arguments
from domain.deadletters.kinds import load_kinds
from domain.kernel.errors import InvalidInputError
from domain.queue.message import decode, problems, specs

_ARGS = {"client_id": "00000000-0000-7000-8000-00000000000c", "channel": "sms", "address": "+15005550123"}
_SEND = {"delivery_id": "00000000-0000-7000-8000-00000000000d", "only_look": False}


def test_each_argument_is_a_field_that_says_what_goes_into_it() -> None:
    fields = {one.name: one for one in arguments_of(PROCESS, _ARGS)}
    assert fields["client_id"].kind == "an id"
    assert fields["channel"].options == ["sms", "web"]
    assert (fields["address"].text, fields["address"].required) == ("+15005550123", True)
    send = {one.name: one for one in arguments_of("delivery.send", _SEND)}
    assert (send["only_look"].text, send["only_look"].required, send["only_look"].kind) == (
        "false",
        False,
        "true or false",
    )


def test_what_is_written_becomes_arguments() -> None:
    written = {name: str(value) for name, value in _ARGS.items()}
    args, unread = read_arguments(PROCESS, written | {"colour": "red"})
    assert (args, unread) == (_ARGS, {})
    assert decode(ProcessMessages, args).client_id == UUID(_ARGS["client_id"])


def test_what_can_not_be_read_is_said_of_its_field() -> None:
    _, unread = read_arguments("delivery.send", {"delivery_id": "x", "only_look": "yes"})
    assert unread.keys() == {"only_look"}
    assert "JSON" in unread["only_look"]
    assert read_arguments("queue.job_died", {"job_ids": " "})[1] == {"job_ids": "Fill this in."}


def test_an_empty_field_is_nothing_where_nothing_is_allowed() -> None:
    assert read_arguments("delivery.send", {"delivery_id": "x", "only_look": ""}) == ({"delivery_id": "x"}, {})


def test_arguments_of_another_release_are_named() -> None:
    assert unknown_arguments(PROCESS, _ARGS | {"colour": "red"}) == ["colour"]


def test_a_kind_that_nobody_knows_has_no_form() -> None:
    with pytest.raises(InvalidInputError, match=r"does not know gone\.kind"):
        arguments_of("gone.kind", {})


def test_every_kind_has_a_form() -> None:
    load_kinds()
    for kind in specs():
        assert all(one.kind for one in arguments_of(kind, {}))


@given(st.data())
def test_a_letter_that_is_saved_unchanged_stays_as_it_is(data: st.DataObject) -> None:
    texts = st.text(min_size=1)
    args: dict[str, Any] = {
        "client_id": str(data.draw(st.uuids())),
        "channel": data.draw(st.sampled_from(["sms", "web"])),
        "address": data.draw(texts),
    }
    written = {one.name: one.text for one in arguments_of(PROCESS, args)}
    assert read_arguments(PROCESS, written) == (args, {})
    assert problems(ProcessMessages, args) == {}
