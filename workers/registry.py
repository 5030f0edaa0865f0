"""Which actor runs which kind of job."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import workers.actors
from domain.queue.message import Message, spec_of
from domain.queue.outcome import Outcome
from domain.queue.run import Run
from workers.services import Services

M = TypeVar("M", bound=Message)
Actor = Callable[[M, Run, Services], Outcome]

_ACTORS: dict[str, Actor[Any]] = {}


def actor(message_type: type[M]) -> Callable[[Actor[M]], Actor[M]]:
    """Declare a function as the actor of a message type's kind. Raises ValueError for a second one."""
    kind = spec_of(message_type).kind

    def declare(function: Actor[M]) -> Actor[M]:
        if kind in _ACTORS:
            raise ValueError(f"The job kind {kind!r} has an actor already: {_ACTORS[kind].__qualname__}.")
        _ACTORS[kind] = function
        return function

    return declare


def actor_for(kind: str) -> Actor[Any] | None:
    """Return the actor of a kind, or None when this release has none."""
    return _ACTORS.get(kind)


def load_actors() -> Mapping[str, Actor[Any]]:
    """Import every module of `workers.actors` and return all actors by kind."""
    for module in pkgutil.iter_modules(workers.actors.__path__):
        importlib.import_module(f"workers.actors.{module.name}")
    return dict(_ACTORS)
