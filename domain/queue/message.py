"""Typed job arguments: a frozen dataclass with a kind, so that "find references" shows producer, actor and use case."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, TypeVar

from pydantic import TypeAdapter, ValidationError

from domain.kernel.errors import GatehouseError
from domain.kernel.redaction import redact_text
from domain.queue.names import QueueName

DEFAULT_PRIORITY: Final = 100


class Message:
    """The base of every job's arguments. Subclasses are frozen dataclasses under `@job`."""

    __slots__ = ()


M = TypeVar("M", bound=Message)


@dataclass(frozen=True, slots=True)
class JobSpec:
    """How jobs of one kind are queued and run. `priority`: lower runs first. `time_limit`: of one run."""

    kind: str
    queue: QueueName
    max_attempts: int
    priority: int
    time_limit: timedelta
    message_type: type[Message]


class UnreadableArgsError(GatehouseError):
    """The stored arguments do not fit this kind of job; another release may have written them."""

    permanent = True


_BY_KIND: dict[str, JobSpec] = {}
_BY_TYPE: dict[type[Message], JobSpec] = {}
_ADAPTERS: dict[type[Message], TypeAdapter[Any]] = {}


def job(
    *,
    kind: str,
    queue: QueueName = "default",
    max_attempts: int = 5,
    priority: int = DEFAULT_PRIORITY,
    time_limit: timedelta = timedelta(seconds=60),
) -> Callable[[type[M]], type[M]]:
    """Declare a message type as the arguments of jobs of `kind`. A kind can be declared once."""

    def declare(message_type: type[M]) -> type[M]:
        known = _BY_KIND.get(kind)
        if known is not None and known.message_type.__qualname__ != message_type.__qualname__:
            raise ValueError(f"The job kind {kind!r} is already declared by {known.message_type.__qualname__}.")
        spec = JobSpec(kind, queue, max_attempts, priority, time_limit, message_type)
        _BY_KIND[kind] = _BY_TYPE[message_type] = spec
        return message_type

    return declare


def spec_of(message: Message | type[Message]) -> JobSpec:
    """Return the spec of a message or its type; KeyError when the class lacks `@job`."""
    return _BY_TYPE[message if isinstance(message, type) else type(message)]


def spec_for(kind: str) -> JobSpec | None:
    """Return the spec of a kind, or None when this release does not know it."""
    return _BY_KIND.get(kind)


def specs() -> Mapping[str, JobSpec]:
    """Return every declared kind."""
    return dict(_BY_KIND)


def _adapter(message_type: type[Message]) -> TypeAdapter[Any]:
    adapter = _ADAPTERS.get(message_type)
    if adapter is None:
        adapter = _ADAPTERS[message_type] = TypeAdapter(message_type)
    return adapter


def encode(message: Message) -> str:
    """Return the message's arguments as a JSON object."""
    return _adapter(type(message)).dump_json(message).decode()


def decode(message_type: type[M], args: Mapping[str, object]) -> M:
    """Return the message that `encode` wrote. Raises UnreadableArgsError, naming the fields but not their values."""
    try:
        message: M = _adapter(message_type).validate_python(dict(args), strict=False)
    except ValidationError as error:
        fields = ", ".join(sorted({".".join(map(str, e["loc"])) or "(all)" for e in error.errors()}))
        raise UnreadableArgsError(f"The arguments do not fit {message_type.__name__}: {fields}.") from None
    return message


def problems(message_type: type[Message], args: Mapping[str, object]) -> dict[str, str]:
    """Return what is wrong with arguments, by field and without their values; empty when they can be decoded.

    What the message does not know is wrong here, because a person who misspells a field should be told.
    """
    known: Mapping[str, object] = getattr(message_type, "__dataclass_fields__", {})
    found = {name: f"{message_type.__name__} has no such field." for name in args if name not in known}
    try:
        _adapter(message_type).validate_python(dict(args), strict=False)
    except ValidationError as error:
        for one in error.errors(include_url=False, include_context=False, include_input=False):
            found[".".join(map(str, one["loc"])) or "(all)"] = redact_text(one["msg"])
    return found
