"""Each kind of job has exactly one actor and survives JSON."""

from __future__ import annotations

import importlib
import json
import pkgutil
from dataclasses import fields
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

import domain
import workers.actors
from domain.queue.message import JobSpec, Message, decode, encode, specs
from domain.queue.names import QUEUES
from workers.registry import actor, actor_for, load_actors


def _modules(package: ModuleType) -> list[str]:
    return [module.name for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")]


for _name in _modules(domain):
    if _name.endswith(".messages"):
        importlib.import_module(_name)
ACTORS = load_actors()
SPECS = {kind: spec for kind, spec in specs().items() if spec.message_type.__module__.startswith("domain.")}


def test_kinds_are_declared_in_the_messages_of_their_capability_alone() -> None:
    for name in _modules(domain):
        importlib.import_module(name)
    declared = {k: s.message_type.__module__ for k, s in specs().items() if s.message_type.__module__[:7] == "domain."}
    assert declared
    for kind, module in declared.items():
        capability = kind.partition(".")[0]
        assert module in {f"domain.{capability}.messages", f"domain.{capability}s.messages"}, kind


def test_every_kind_has_one_actor_and_every_actor_a_kind() -> None:
    assert {kind for kind, function in ACTORS.items() if function.__module__.startswith("workers.actors.")} == set(
        SPECS
    )


def test_a_second_actor_is_refused() -> None:
    for spec in SPECS.values():
        with pytest.raises(ValueError, match="has an actor already"):
            actor(spec.message_type)(ACTORS[spec.kind])


@pytest.mark.parametrize("kind", sorted(SPECS))
def test_an_actor_bears_the_name_of_its_capability(kind: str) -> None:
    function, message_type = actor_for(kind), SPECS[kind].message_type
    assert function is not None
    assert function.__module__.removeprefix("workers.actors.") == message_type.__module__.split(".")[1]
    assert function.__code__.co_argcount == 3


@pytest.mark.parametrize("kind", sorted(SPECS))
def test_arguments_are_a_frozen_dataclass_and_their_limits_make_sense(kind: str) -> None:
    spec = SPECS[kind]
    assert getattr(spec.message_type, "__dataclass_params__").frozen  # noqa: B009  set by the decorator
    assert spec.queue in QUEUES
    assert spec.max_attempts > 0
    assert 0 < spec.time_limit.total_seconds() <= 3_600


@pytest.mark.parametrize("kind", sorted(SPECS))
@given(data=st.data())
def test_arguments_survive_json(kind: str, data: st.DataObject) -> None:
    spec: JobSpec = SPECS[kind]
    message: Message = data.draw(st.from_type(spec.message_type))
    stored = json.loads(encode(message))
    assert set(stored) == {field.name for field in fields(spec.message_type)}  # type: ignore[arg-type]
    assert decode(spec.message_type, stored) == message


def test_actors_are_modules_of_capabilities() -> None:
    capabilities = {name.split(".")[1] for name in _modules(domain)}
    assert {module.name for module in pkgutil.iter_modules(workers.actors.__path__)} <= capabilities
