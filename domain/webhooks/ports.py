"""What webhooks need of the outside: somebody who makes the call, and somebody who keeps secrets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of one call.

    `status` is the HTTP status, None when no answer came. `error` says in words why the call did not succeed, without
    an address or anything that the receiver said; None when a status says it all. `retry_after` is the least wait that
    the receiver asked for.
    """

    status: int | None
    milliseconds: int
    error: str | None = None
    retry_after: timedelta | None = None


class WebhookCaller(Protocol):
    """Makes calls to addresses that strangers named. Thread-safe; a call takes at most some 15 seconds."""

    def objection(self, url: str) -> str | None:
        """Return why this URL, as it is written, is never called, and what to do; None if it may be. Asks nobody."""
        ...

    def call(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """POST once: no retries, no redirects, to no address of a private network. Never raises."""
        ...


class Sealer(Protocol):
    """Keeps secrets so that a copy of the database does not give them away."""

    def seal(self, secret: str) -> str:
        """Return the secret in a form that only this installation can read."""
        ...

    def unseal(self, sealed: str) -> str:
        """Return the secret. Raises SecretUnreadableError when it was sealed with a key that is not known any more."""
        ...

    def renewed(self, sealed: str) -> str | None:
        """Return the secret sealed with the present key, None when it is so already. Raises SecretUnreadableError."""
        ...
