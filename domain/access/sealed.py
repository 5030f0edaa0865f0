"""Which secrets of people are kept sealed."""

from __future__ import annotations

from typing import Final

from domain.kernel.sealed import SealedColumn

SEALED: Final = (SealedColumn("users", "sealed_totp_secret", "second factor", "second factors"),)
"""Letters that wait in the queue hold sealed addresses and links as well; they are gone within days by themselves."""
