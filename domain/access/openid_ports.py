"""What signing in needs of an OpenID provider: an address to go to, and who came back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from domain.kernel.errors import GatehouseError


class ProviderAwayError(GatehouseError):
    """The OpenID provider does not answer, or not in a way that can be used. Another try may succeed."""


class NotVouchedForError(GatehouseError):
    """The OpenID provider's answer proves nothing about whoever came back from it. Begin again."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """What binds an answer to the browser that asked: all three are random, and made anew for each sign-in."""

    state: str
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Identity:
    """Who somebody is at a provider. `email` is None unless the provider says that it verified it."""

    issuer: str
    subject: str
    email: str | None = field(repr=False)


class OpenIdProvider(Protocol):
    """An OpenID provider. Thread-safe; each call takes at most some 10 seconds."""

    def address(self, attempt: Attempt, return_to: str) -> str:
        """Return where a browser has to go to sign in there. Raises ProviderAwayError."""
        ...

    def identify(self, attempt: Attempt, code: str, return_to: str) -> Identity:
        """Return whom the code that came back stands for. Raises ProviderAwayError, NotVouchedForError."""
        ...
