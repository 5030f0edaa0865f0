"""Secrets at rest: sealed with a key that is derived from the installation's secret key."""

from __future__ import annotations

from typing import Final

from cryptography.fernet import InvalidToken

from domain.webhooks.errors import SecretUnreadableError
from providers.derived_key import fernet

_PURPOSE: Final = b"gatehouse webhook secrets v1"


class FernetSealer:
    """A Sealer with authenticated encryption (Fernet). Seals with the first key, unseals with any of them."""

    def __init__(self, secret_key: str, *previous: str) -> None:
        self._fernet = fernet(_PURPOSE, secret_key, *previous)
        self._present = fernet(_PURPOSE, secret_key)

    def seal(self, secret: str) -> str:
        """Return the secret sealed."""
        return self._fernet.encrypt(secret.encode()).decode()

    def unseal(self, sealed: str) -> str:
        """Return the secret. Raises SecretUnreadableError."""
        try:
            return self._fernet.decrypt(sealed.encode()).decode()
        except InvalidToken:
            raise SecretUnreadableError from None

    def renewed(self, sealed: str) -> str | None:
        """Return the secret sealed with the first key, None when it is so already. Raises SecretUnreadableError."""
        try:
            self._present.decrypt(sealed.encode())
        except InvalidToken:
            return self.seal(self.unseal(sealed))
        return None
