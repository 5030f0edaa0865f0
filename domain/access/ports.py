"""What accounts need of the outside: somebody who keeps secrets, and somebody who sends letters."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal, Protocol
from uuid import UUID


class Sealer(Protocol):
    """Keeps secrets so that a copy of the database does not give them away."""

    def seal(self, secret: str) -> str:
        """Return the secret in a form that only this installation can read."""
        ...

    def unseal(self, sealed: str) -> str:
        """Return the secret. Raises a GatehouseError when it was sealed with a key that is not known any more."""
        ...


@dataclass(frozen=True, slots=True)
class Letter:
    """One letter to a person about their account. `try_id` is of this try to send it."""

    try_id: UUID
    to: str = field(repr=False)
    subject: str = field(repr=False)
    body: str = field(repr=False)
    html_body: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Posted:
    """What came of a try: `reason` says in words why it did not succeed, without an address.

    `taken`: the provider has it; `later`: not sent, or nobody knows, and another try may succeed; `never`: no try will.
    """

    came_to: Literal["taken", "later", "never"]
    reason: str = ""
    retry_after: timedelta | None = None


class Post(Protocol):
    """Sends letters to people about their accounts. Thread-safe; a call takes at most some 15 seconds."""

    def send(self, letter: Letter) -> Posted:
        """Hand a letter over, once: no retries. Never raises for what the provider does."""
        ...
