"""The flags of one process, asked through OpenFeature."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast
from uuid import UUID

from openfeature import api
from openfeature.evaluation_context import EvaluationContext
from openfeature.provider.no_op_provider import NoOpProvider

from domain.flags.inforce import IN_FORCE
from domain.flags.ports import FlagState, Number, Object, Subject, Value
from providers.flags.provider import CLIENT_ID, ORG_ID, StoredFlags
from providers.flags.table import FlagTable
from providers.flags.telling import tell_after_commit
from providers.flags.watch import FlagWatch

if TYPE_CHECKING:
    from openfeature.client import OpenFeatureClient
    from redis import Redis

    from domain.kernel.database import Database

T = TypeVar("T")
Ask = Callable[[str, T, EvaluationContext], T]
_numbers: Final = itertools.count()
_REMEMBERED: Final = 20_000
"""Answers that are kept between two changes; a few megabytes."""


class ProcessFlags:
    """Implements `domain.flags.ports.Flags`. Start it before work begins and close it at the end; threads share it.

    Each has a domain of OpenFeature's registry to itself, so that two of a process don't meet.
    """

    def __init__(self, platform_url: str, redis_url: str) -> None:
        self.domain = f"gatehouse-{next(_numbers)}"
        self._redis_url = redis_url
        self._redis: Redis | None = None
        self._provider = StoredFlags()
        self._answers: dict[tuple[object, ...], object] = {}
        self._watch = FlagWatch(FlagTable(platform_url), redis_url, put=self._put, stale=self._provider.stale)
        self._client: OpenFeatureClient = api.get_client(self.domain)
        api.set_provider_and_wait(self._provider, self.domain)

    def start(self) -> None:
        """Read the flags and keep them current; while the database is away the defaults of the code count."""
        self._watch.start()

    def wait_read(self, seconds: float) -> bool:
        """Wait until the flags have been read once, for `seconds` at most; return whether they were."""
        return self._watch.wait_read(seconds)

    def close(self) -> None:
        """Stop keeping them current."""
        self._watch.close()
        api.set_provider(NoOpProvider(), self.domain)
        if self._redis is not None:
            self._redis.close()

    @property
    def status(self) -> str:
        """OpenFeature's word for how current they are: READY, STALE (what was read last counts) or ERROR (none was)."""
        return self._client.get_provider_status().value

    def held(self, key: str, subject: Subject) -> Value | None:
        """Return what this process holds of a flag for a subject, None where the code's own default counts."""
        return self._provider.held(key, subject)

    def serve(self, database: Database) -> None:
        """Let the transactions of a database go by these flags, and tell all processes when one changes a flag."""
        database.inform(**{IN_FORCE: self})
        self._redis = tell_after_commit(database, self._redis_url, also=self._watch.look_now)

    def boolean(
        self,
        key: str,
        default: bool,  # noqa: FBT001 - a value
        *,
        org_id: UUID | None = None,
        client_id: UUID | None = None,
    ) -> bool:
        """Return the value of a boolean flag."""
        return self._answer(self._client.get_boolean_value, key, default, org_id, client_id)

    def string(self, key: str, default: str, *, org_id: UUID | None = None, client_id: UUID | None = None) -> str:
        """Return the value of a string flag."""
        return self._answer(self._client.get_string_value, key, default, org_id, client_id)

    def integer(self, key: str, default: int, *, org_id: UUID | None = None, client_id: UUID | None = None) -> int:
        """Return the value of an integer flag."""
        return self._answer(self._client.get_integer_value, key, default, org_id, client_id)

    def float(self, key: str, default: Number, *, org_id: UUID | None = None, client_id: UUID | None = None) -> Number:
        """Return the value of a float flag."""
        return self._answer(self._client.get_float_value, key, default, org_id, client_id)

    def object(self, key: str, default: Object, *, org_id: UUID | None = None, client_id: UUID | None = None) -> Object:
        """Return the value of an object flag."""
        value = self._client.get_object_value(key, cast("Any", default), _context(org_id, client_id))
        return cast("Object", value)

    def _put(self, states: Mapping[str, FlagState]) -> None:
        # In this order: what is remembered from now on was asked after the flags were swapped.
        self._provider.put(states)
        self._answers = {}

    def _answer(self, ask: Ask[T], key: str, default: T, org_id: UUID | None, client_id: UUID | None) -> T:
        """Return an answer that was given since the last change, or ask: OpenFeature takes a hundred times as long."""
        answers = self._answers
        asked = (ask, key, default, org_id, client_id)
        known = answers.get(asked)
        if known is None:
            known = ask(key, default, _context(org_id, client_id))
            if len(answers) >= _REMEMBERED:
                answers.clear()
            answers[asked] = known
        return cast("T", known)


@lru_cache(maxsize=4_096)
def _context(org_id: UUID | None, client_id: UUID | None) -> EvaluationContext:
    """Return who asks, in OpenFeature's form. A share is drawn by client, else by tenant."""
    attributes = {name: str(value) for name, value in ((ORG_ID, org_id), (CLIENT_ID, client_id)) if value is not None}
    by = client_id or org_id
    return EvaluationContext(None if by is None else str(by), attributes)
