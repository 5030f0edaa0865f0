"""Secrets at rest: sealed with a key that is derived from the installation's secret key."""

from __future__ import annotations

import base64
from typing import Final

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from domain.webhooks.errors import SecretUnreadableError

_PURPOSE: Final = b"gatehouse webhook secrets v1"


class FernetSealer:
    """A Sealer with authenticated encryption (Fernet). Seals with the first key, unseals with any of them."""

    def __init__(self, secret_key: str, *previous: str) -> None:
        self._fernet = MultiFernet([Fernet(_derived(key)) for key in (secret_key, *previous)])

    def seal(self, secret: str) -> str:
        """Return the secret sealed."""
        return self._fernet.encrypt(secret.encode()).decode()

    def unseal(self, sealed: str) -> str:
        """Return the secret. Raises SecretUnreadableError."""
        try:
            return self._fernet.decrypt(sealed.encode()).decode()
        except InvalidToken:
            raise SecretUnreadableError from None


def _derived(secret_key: str) -> bytes:
    # The key is long and random, so no salt and no slow hash are needed; the purpose keeps it apart from other uses.
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=_PURPOSE).derive(secret_key.encode())
    return base64.urlsafe_b64encode(derived)
