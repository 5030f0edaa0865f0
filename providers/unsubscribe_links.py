"""Links that end e-mails: sealed, so that an address is not read by whoever sees a link."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from cryptography.fernet import InvalidToken

from domain.delivery.unsubscribe import Subscriber
from providers.derived_key import fernet

_PURPOSE: Final = b"gatehouse unsubscribe links v1"
_ID_BYTES: Final = 16


class SealedLinks:
    """Implements `domain.delivery.unsubscribe.UnsubscribeLinks`.

    A link stays good for as long as its key is known: a letter may be found years later. With a new secret key, name
    the old one as the previous.
    """

    def __init__(self, public_url: str, secret_key: str, *previous: str) -> None:
        self._base = f"{public_url}/unsubscribe/"
        self._fernet = fernet(_PURPOSE, secret_key, *previous)

    def url(self, subscriber: Subscriber) -> str:
        """Return a link; each time another one, and each good."""
        plain = subscriber.org_id.bytes + subscriber.client_id.bytes + subscriber.address.encode()
        # "=" may be cut off or escaped on the way through mail programs; its number follows from the length.
        return self._base + self._fernet.encrypt(plain).decode().rstrip("=")

    def read(self, token: str) -> Subscriber | None:
        """Return whose token it is; None for any that was not sealed here."""
        try:
            plain = self._fernet.decrypt((token + "=" * (-len(token) % 4)).encode())
        except InvalidToken:
            return None
        org_id, client_id = plain[:_ID_BYTES], plain[_ID_BYTES : 2 * _ID_BYTES]
        return Subscriber(UUID(bytes=org_id), UUID(bytes=client_id), plain[2 * _ID_BYTES :].decode())
