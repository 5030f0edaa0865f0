"""How much a person, a key or a token may ask for, and how often somebody may try to become one of them.

Routes and their dependencies run in threads; they count here on the event loop.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

from anyio import from_thread

from api.edge.addresses import counted_as
from api.edge.limiter import Limiter, Rate, Standing

if TYPE_CHECKING:
    from uuid import UUID

    from fastapi import Request

    from config.settings import Rates
    from domain.access.principal import Principal

_HOUR: Final = 3600
_SENDERS_ACCOUNTS: Final = 20
"""Whoever has letters written to others, invitations as well, may do so for so many accounts an hour."""


class Quotas:
    """The rates of this installation."""

    def __init__(self, limiter: Limiter, rates: Rates) -> None:
        self._limiter = limiter
        self._reads = Rate("reads", rates.reads)
        self._changes = Rate("changes", rates.changes)
        self._sign_ins = Rate("sign-ins", rates.sign_ins, strict=True)
        self._sign_ins_of_account = Rate("sign-ins-of-account", rates.sign_ins, strict=True)
        self._letters = Rate("letters", rates.letters, strict=True)
        self._letters_of_account = Rate("letters-of-account", rates.letters, _HOUR, strict=True)
        # Apart from those that people ask for themselves, so that nobody uses up what another one needs to get in.
        self._letters_to = Rate("letters-to-account", rates.letters, _HOUR, strict=True)
        self._new_addresses = Rate("new-addresses", rates.letters, strict=True)
        self._new_addresses_of_account = Rate("new-addresses-of-account", rates.letters, _HOUR, strict=True)
        self._letters_by = Rate("letters-by-sender", rates.letters * _SENDERS_ACCOUNTS, _HOUR, strict=True)

    def count_request(self, request: Request, principal: Principal, *, changes: bool) -> None:
        """Count a request of somebody who is known; its answer tells how they stand. Raises ProblemError (429)."""
        self._count(request, (self._changes if changes else self._reads, _caller(principal)))

    def count_sign_in(self, request: Request, account: str | None) -> None:
        """Count a try to sign in, for its address and for the account that was named. Raises ProblemError (429)."""
        self._count(request, (self._sign_ins, (_address(request),)), (self._sign_ins_of_account, _account(account)))

    def count_letter(self, request: Request, account: str | None) -> None:
        """Count a try to have a letter written to an account, or to use what one holds. Raises ProblemError (429)."""
        self._count(request, (self._letters, (_address(request),)), (self._letters_of_account, _account(account)))

    def count_new_address(self, request: Request, user_id: UUID) -> None:
        """Count a try of somebody to take another address, which gets a letter. Raises ProblemError (429).

        Not for the address that they name: it may be another one's, who needs their own letters to get in.
        """
        mine = (self._new_addresses_of_account, (str(user_id),))
        self._count(request, (self._new_addresses, (_address(request),)), mine)

    def count_letter_to(self, request: Request, principal: Principal, org_id: UUID, account: str) -> None:
        """Count a letter that somebody of an organization has written to another one's account.

        Each organization is counted for itself: how it stands is in the answer, and must not tell what others wrote.
        All of them together are counted where letters are written (`letter_limit`). Raises ProblemError (429).
        """
        to = _account(account)
        of_theirs = (self._letters_to, (str(org_id), *to) if to else ())
        self._count(request, of_theirs, (self._letters_by, _caller(principal)))

    def _count(self, request: Request, *counts: tuple[Rate, tuple[str, ...]]) -> None:
        """Count for each of these, unless nobody is named; the first that was too much ends the request."""
        standings: list[Standing] = []
        request.state.standings = standings
        for rate, key in counts:
            if key:
                standings.append(from_thread.run(self._limiter.count, rate, *key))
                standings[-1].require()


def _caller(principal: Principal) -> tuple[str, str]:
    return principal.kind, principal.name if principal.id is None else str(principal.id)


def _address(request: Request) -> str:
    return counted_as(request.client.host if request.client else None)


def _account(name: str | None) -> tuple[str, ...]:
    """Return whom to count for, without telling it to whoever reads the counts."""
    plain = (name or "").strip().lower()
    return (hashlib.sha256(plain.encode("utf-8", "surrogatepass")).hexdigest()[:32],) if plain else ()
