"""Flags through OpenFeature's client, as any code written against it asks for them."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

import pytest
from openfeature import api
from openfeature.client import OpenFeatureClient
from openfeature.evaluation_context import EvaluationContext
from openfeature.event import EventDetails, ProviderEvent
from openfeature.exception import ErrorCode
from openfeature.flag_evaluation import Reason
from openfeature.provider import ProviderStatus
from openfeature.provider.no_op_provider import NoOpProvider

from domain.flags.ports import FlagState, Target
from providers.flags.provider import StoredFlags

TENANT, CLIENT = UUID(int=1), UUID(int=2)
STATES = {
    state.key: state
    for state in (
        FlagState("plain", "boolean", default=True),
        FlagState("text", "string", "default", (Target("theirs", tenant_id=TENANT), Target("some", percentage=100))),
        FlagState("number", "integer", 7, (Target(8, client_id=CLIENT),)),
        FlagState("share", "float", 0.5),
        FlagState("things", "object", {"a": [1]}),
        FlagState("gone", "boolean", default=True, archived=True),
        FlagState("broken", "boolean", None),
    )
}


@pytest.fixture
def provider() -> Iterator[StoredFlags]:
    provider = StoredFlags()
    api.set_provider_and_wait(provider, "test")
    yield provider
    api.set_provider(NoOpProvider(), "test")


@pytest.fixture
def client(provider: StoredFlags) -> OpenFeatureClient:
    provider.put(STATES)
    return api.get_client("test")


def _context(**attributes: str) -> EvaluationContext:
    return EvaluationContext(attributes=attributes)


def test_each_type_is_resolved(client: OpenFeatureClient) -> None:
    assert client.get_boolean_value("plain", False) is True  # noqa: FBT003
    assert client.get_string_value("text", "") == "default"
    assert client.get_integer_value("number", 0) == 7
    assert client.get_float_value("share", 0.0) == 0.5
    assert client.get_object_value("things", {}) == {"a": [1]}


def test_the_context_says_who_asks_and_the_answer_says_why(client: OpenFeatureClient) -> None:
    plain = client.get_boolean_details("plain", False)  # noqa: FBT003
    assert (plain.reason, plain.variant) == (Reason.STATIC, "default")
    theirs = client.get_string_details("text", "", _context(org_id=str(TENANT)))
    assert (theirs.value, theirs.reason, theirs.variant) == ("theirs", Reason.TARGETING_MATCH, "target-0")
    some = client.get_string_details("text", "", EvaluationContext("somebody"))
    assert (some.value, some.reason, some.variant) == ("some", Reason.SPLIT, "target-1")
    nobody = client.get_string_details("text", "", _context(org_id="not an id"))
    assert (nobody.value, nobody.reason) == ("default", Reason.DEFAULT)
    assert client.get_integer_value("number", 0, _context(client_id=str(CLIENT))) == 8


def test_what_can_not_be_answered_is_the_callers_default(client: OpenFeatureClient) -> None:
    for key, code in (("unknown", ErrorCode.FLAG_NOT_FOUND), ("text", ErrorCode.TYPE_MISMATCH)):
        details = client.get_boolean_details(key, True)  # noqa: FBT003
        assert (details.value, details.reason, details.error_code) == (True, Reason.ERROR, code)
    broken = client.get_boolean_details("broken", True)  # noqa: FBT003
    assert (broken.value, broken.error_code) == (True, ErrorCode.TYPE_MISMATCH)
    gone = client.get_boolean_details("gone", False)  # noqa: FBT003
    assert (gone.value, gone.reason, gone.error_code) == (False, Reason.DISABLED, None)


def test_before_anything_was_read_the_callers_default_counts(provider: StoredFlags) -> None:
    details = api.get_client("test").get_boolean_details("plain", False)  # noqa: FBT003
    assert (details.value, details.error_code) == (False, ErrorCode.PROVIDER_NOT_READY)
    provider.stale("It is away.")
    assert api.get_client("test").get_provider_status() is ProviderStatus.ERROR
    provider.put(STATES)
    assert api.get_client("test").get_boolean_value("plain", False) is True  # noqa: FBT003


def test_listeners_hear_of_changes_and_of_staleness(provider: StoredFlags, client: OpenFeatureClient) -> None:
    heard: list[str] = []

    def on_change(_details: EventDetails) -> None:
        heard.append("changed")

    client.add_handler(ProviderEvent.PROVIDER_CONFIGURATION_CHANGED, on_change)
    provider.put({"plain": FlagState("plain", "boolean", default=False)})
    assert heard == ["changed"]
    assert client.get_boolean_value("plain", True) is False  # noqa: FBT003
    provider.stale("It is away.")
    assert client.get_provider_status() is ProviderStatus.STALE
    assert client.get_boolean_value("plain", True) is False  # noqa: FBT003
