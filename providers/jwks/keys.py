"""An issuer's public keys, kept between fetches."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Collection, Mapping
from typing import Any, Final

import jwt
import structlog
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from providers.webhooks.network import CallFailedError

ALGORITHMS: Final = frozenset(
    {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}
)
"""With a public key to check them, and no others: never HS*, which a public key could forge, and never none."""
FRESH_SECONDS: Final = 600.0
RETRY_SECONDS: Final = 30.0
"""No fetch comes sooner after the one before, whatever tokens ask for."""
KEPT_SECONDS: Final = 24 * 3600.0
"""How long keys are believed while the issuer does not answer."""
_MOST_KEYS: Final = 50
_SHORTEST_RSA_BITS: Final = 2048
_PATIENCE_SECONDS: Final = 6.0
_log = structlog.get_logger(__name__)


class IssuerAwayError(Exception):
    """There are no keys to check with, and the issuer does not answer."""


class KeyStore:
    """Finds keys by their id. Threads share it; one of them fetches while others go on with what is there."""

    def __init__(
        self,
        fetch: Callable[[], bytes],
        algorithms: Collection[str] = ALGORITHMS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._fetch = fetch
        self._algorithms = ALGORITHMS & frozenset(algorithms)
        self._clock = clock
        self._lock = threading.Lock()
        self._keys: Mapping[str, jwt.PyJWK] = {}
        self._fetched_at: float | None = None
        self._tried_at: float | None = None

    def find(self, key_id: str) -> jwt.PyJWK | None:
        """Return a key of the issuer, None when it has none of this id. Raises IssuerAwayError."""
        found = self._believed().get(key_id)
        if found is None or self._age() > FRESH_SECONDS:
            self._refresh(wait=not self._believed())
            found = self._believed().get(key_id)
        if found is None and not self._believed():
            raise IssuerAwayError
        return found

    def _believed(self) -> Mapping[str, jwt.PyJWK]:
        return self._keys if self._age() <= KEPT_SECONDS else {}

    def _age(self) -> float:
        return float("inf") if self._fetched_at is None else self._clock() - self._fetched_at

    def _may_try(self) -> bool:
        return self._tried_at is None or self._clock() - self._tried_at >= RETRY_SECONDS

    def _refresh(self, *, wait: bool) -> None:
        """Fetch the keys unless that was tried just now. `wait`: for a thread that is at it, as there are none yet."""
        if not self._may_try() and not wait:
            return
        if not self._lock.acquire(timeout=_PATIENCE_SECONDS if wait else 0):
            return
        try:
            if not self._may_try():
                return
            self._tried_at = self._clock()
            self._keys = _read(self._fetch(), self._algorithms)
            self._fetched_at = self._clock()
        except (CallFailedError, ValueError) as error:
            _log.warning("jwks.not_fetched", error=str(error), kept=len(self._believed()))
        finally:
            self._lock.release()


def _read(document: bytes, algorithms: Collection[str]) -> Mapping[str, jwt.PyJWK]:
    """Return the keys that may be used. Raises ValueError for what is no key set, or one without any."""
    try:
        listed = json.loads(document)["keys"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise ValueError("The document is not a key set.") from None
    if not isinstance(listed, list) or len(listed) > _MOST_KEYS:
        raise ValueError("The document is not a key set of a usable size.")
    keys = {key.key_id: key for entry in listed if (key := _usable(entry, algorithms)) is not None and key.key_id}
    if not keys:
        raise ValueError("The key set holds no key that can be used.")
    return keys


def _usable(entry: Any, algorithms: Collection[str]) -> jwt.PyJWK | None:  # noqa: ANN401 - it comes from outside
    """Return a key that is fit for one of the algorithms, None for any other, as sets hold keys for other uses too."""
    if not isinstance(entry, dict) or entry.get("use", "sig") != "sig" or not isinstance(entry.get("kid"), str):
        return None
    try:
        key = jwt.PyJWK(entry)
    except (jwt.PyJWTError, ValueError, TypeError, KeyError):
        return None
    if key.algorithm_name not in algorithms:
        return None
    if isinstance(key.key, RSAPublicKey) and key.key.key_size < _SHORTEST_RSA_BITS:
        return None
    # A set that shows private keys shows them to everybody: what they sign proves nothing.
    return None if "d" in entry else key
