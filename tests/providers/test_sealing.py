"""Secrets at rest are read by the installation that sealed them, and by nobody else."""

from __future__ import annotations

import pytest

from domain.webhooks.errors import SecretUnreadableError
from providers.sealing import FernetSealer

KEY = "a-secret-key-of-an-installation-01234567"
SECRET = "whsec_c2VjcmV0"


def test_a_sealed_secret_shows_nothing_and_opens_again() -> None:
    sealed = FernetSealer(KEY).seal(SECRET)
    assert SECRET not in sealed
    assert FernetSealer(KEY).seal(SECRET) != sealed
    assert FernetSealer(KEY).unseal(sealed) == SECRET


def test_after_the_key_changed_the_previous_one_still_opens() -> None:
    sealed = FernetSealer(KEY).seal(SECRET)
    changed = FernetSealer("another-key-" * 4, KEY)
    assert changed.unseal(sealed) == SECRET
    with pytest.raises(SecretUnreadableError):
        FernetSealer(KEY).unseal(changed.seal(SECRET))


@pytest.mark.parametrize("broken", ["", "x", "gAAAA", "é"])
def test_what_was_not_sealed_is_not_read(broken: str) -> None:
    with pytest.raises(SecretUnreadableError, match="GATEHOUSE_SECRET_KEY"):
        FernetSealer(KEY).unseal(broken)
