"""Keys for single purposes, derived from the installation's secret key."""

from __future__ import annotations

import base64

from cryptography.fernet import Fernet, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


def fernet(purpose: bytes, secret_key: str, *previous: str) -> MultiFernet:
    """Return authenticated encryption for one purpose: it seals with the first key and unseals with any of them."""
    return MultiFernet([Fernet(_derived(purpose, key)) for key in (secret_key, *previous)])


def _derived(purpose: bytes, secret_key: str) -> bytes:
    # The key is long and random, so no salt and no slow hash are needed; the purpose keeps it apart from other uses.
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=purpose).derive(secret_key.encode())
    return base64.urlsafe_b64encode(derived)
