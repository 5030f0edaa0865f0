"""What an OpenID provider publishes about itself: where to go, and the keys that it signs with."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

import jwt

from domain.access.openid_ports import NotVouchedForError, ProviderAwayError
from providers.webhooks.ask import Guard, ask
from providers.webhooks.network import CallFailedError

if TYPE_CHECKING:
    from collections.abc import Callable

_FRESH: Final = 3600.0
_ASK_ANEW_AFTER: Final = 10.0
"""An unknown key makes us ask once more, but no more often than this: anybody can send a token that names one."""
_AWAY_SECONDS: Final = 5.0
"""Who fails to answer is left alone for so long: else each visitor's thread would wait for it in turn."""
_NEEDED: Final = ("issuer", "authorization_endpoint", "token_endpoint", "jwks_uri")


@dataclass(frozen=True, slots=True)
class Metadata:
    """Where a provider does what. `issuer` is its name as it writes it itself."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None
    posts_secret: bool


class Published:
    """Reads what the provider publishes when it is needed, and keeps it for an hour. Thread-safe."""

    def __init__(self, issuer: str, guard: Guard, clock: Callable[[], float] = time.monotonic) -> None:
        self._issuer = issuer
        self._guard = guard
        self._clock = clock
        self._lock = threading.Lock()
        self._metadata: tuple[float, Metadata] | None = None
        self._keys: tuple[float, jwt.PyJWKSet] | None = None
        self._away_until = float("-inf")

    def metadata(self) -> Metadata:
        """Return what the provider says of itself. Raises ProviderAwayError."""
        with self._lock:
            if self._metadata is None or self._clock() - self._metadata[0] > _FRESH:
                self._metadata = self._clock(), self._read_metadata()
            return self._metadata[1]

    def key(self, key_id: str | None) -> jwt.PyJWK:
        """Return the key of this id, or the only one. Raises NotVouchedForError, ProviderAwayError."""
        address = self.metadata().jwks_uri
        with self._lock:
            if self._keys is None or self._clock() - self._keys[0] > _FRESH:
                self._keys = self._clock(), self._read_keys(address)
            found = _choose(self._keys[1], key_id)
            if found is None and self._clock() - self._keys[0] > _ASK_ANEW_AFTER:
                self._keys = self._clock(), self._read_keys(address)
                found = _choose(self._keys[1], key_id)
        if found is None:
            raise NotVouchedForError("The provider's answer is signed with a key that it does not publish.")
        return found

    def _read_metadata(self) -> Metadata:
        said = self._ask(f"{self._issuer}/.well-known/openid-configuration")
        places = {name: said.get(name) for name in _NEEDED}
        if not all(isinstance(place, str) for place in places.values()):
            raise ProviderAwayError("The provider does not say where to sign in.")
        if str(places["issuer"]).rstrip("/") != self._issuer:
            raise ProviderAwayError("The provider calls itself something other than GATEHOUSE_OIDC__ISSUER.")
        userinfo = said.get("userinfo_endpoint")
        if self._issuer.startswith("https://") and not all(
            str(place).startswith("https://") for place in (*places.values(), userinfo) if place
        ):
            raise ProviderAwayError("The provider names an address that is not https.")
        ways = said.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        return Metadata(
            **{name: str(place) for name, place in places.items()},
            userinfo_endpoint=userinfo if isinstance(userinfo, str) else None,
            posts_secret="client_secret_basic" not in ways and "client_secret_post" in ways,
        )

    def _read_keys(self, address: str) -> jwt.PyJWKSet:
        try:
            return jwt.PyJWKSet.from_dict(self._ask(address))
        except (jwt.PyJWTError, KeyError, ValueError, TypeError, AttributeError):
            raise ProviderAwayError("The provider's keys can't be read.") from None

    def _ask(self, address: str) -> dict[str, Any]:
        if self._clock() < self._away_until:
            raise ProviderAwayError
        try:
            return _read(self._guard, address)
        except ProviderAwayError:
            self._away_until = self._clock() + _AWAY_SECONDS
            raise


def _choose(keys: jwt.PyJWKSet, key_id: str | None) -> jwt.PyJWK | None:
    signing = [key for key in keys.keys if key.public_key_use in {None, "sig"}]
    if key_id is None:
        return signing[0] if len(signing) == 1 else None
    return next((key for key in signing if key.key_id == key_id), None)


def _read(guard: Guard, address: str) -> dict[str, Any]:
    try:
        answer = ask(guard, "GET", address, {"accept": "application/json"})
        said = json.loads(answer.body)
    except (CallFailedError, ValueError, RecursionError) as error:
        raise ProviderAwayError from error
    if answer.status != HTTPStatus.OK or not isinstance(said, dict):
        raise ProviderAwayError
    return said
