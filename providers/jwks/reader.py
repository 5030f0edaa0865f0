"""Read a bearer token: every check is made here, and what the token says of how to check it counts for nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import jwt

from providers.jwks.keys import KeyStore

LONGEST: Final = 8 * 1024
LEEWAY_SECONDS: Final = 30
"""By how much the issuer's clock may differ from ours."""
_REQUIRED: Final = ("exp", "iss", "aud", "sub")
_TYPES: Final = frozenset({"jwt", "at+jwt", "application/at+jwt"})


class TokenReader:
    """Reads tokens of one issuer for one audience."""

    def __init__(self, issuer: str, audience: str, keys: KeyStore) -> None:
        self._issuer = issuer
        self._audience = audience
        self._keys = keys

    def read(self, token: str) -> Mapping[str, Any] | None:
        """Return what a token claims, None for one that proves nothing. Raises IssuerAwayError.

        The key is the one of ours that `kid` names, and the algorithm the one that belongs to that key: a header that
        names another, or brings or points to a key (`jwk`, `jku`, `x5u`), changes nothing.
        """
        if len(token) > LONGEST:
            return None
        try:
            header = jwt.get_unverified_header(token)
            key_id = header.get("kid")
            if not isinstance(key_id, str) or "crit" in header or not _is_access_token(header.get("typ")):
                return None
            key = self._keys.find(key_id)
            if key is None:
                return None
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=[key.algorithm_name],
                audience=self._audience,
                issuer=self._issuer,
                leeway=LEEWAY_SECONDS,
                options={"require": list(_REQUIRED)},
            )
        except (jwt.PyJWTError, ValueError, TypeError, RecursionError):
            return None
        subject = claims["sub"]
        return claims if isinstance(subject, str) and subject else None


def _is_access_token(kind: object) -> bool:
    """Return whether `typ` says that this is a token for an API; many issuers leave it out."""
    return kind is None or (isinstance(kind, str) and kind.lower() in _TYPES)
