"""What is kept of a password, how many are checked at once, and which are taken."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
from argon2 import PasswordHasher
from hypothesis import given
from hypothesis import strategies as st

from domain.access.password_policy import LONGEST, UnfitPasswordError, check_password
from domain.access.passwords import AT_ONCE, MAY_WAIT, hash_password, is_outdated, is_right
from domain.kernel.errors import BusyError
from tests.support.people import OTHER_PASSWORD, PASSWORD


def test_a_password_is_kept_as_argon2id_with_the_stated_parameters() -> None:
    kept = hash_password(PASSWORD)
    assert kept.startswith("$argon2id$v=19$m=65536,t=3,p=1$")
    assert (is_right(kept, PASSWORD), is_right(kept, OTHER_PASSWORD)) == (True, False)


def test_without_a_kept_password_none_is_right() -> None:
    assert [is_right(None, password) for password in (PASSWORD, "nobody's", "")] == [False] * 3


def test_what_is_no_hash_is_nobodys_password() -> None:
    assert is_right("not a hash", PASSWORD) is False


def test_letters_are_the_same_composed_or_not() -> None:
    assert is_right(hash_password("caf\u00e9 au bord de l'eau"), "cafe\u0301 au bord de l'eau")


def test_a_hash_of_other_parameters_is_outdated() -> None:
    assert is_outdated(PasswordHasher(time_cost=1, memory_cost=8192, parallelism=1).hash(PASSWORD))
    assert not is_outdated(hash_password(PASSWORD))


def test_more_checks_than_may_wait_are_sent_away_and_the_others_answered() -> None:
    everybody = AT_ONCE + MAY_WAIT + 6
    start = threading.Barrier(everybody)

    def check() -> bool:
        start.wait(10)
        try:
            return is_right(None, PASSWORD)
        except BusyError:
            return True

    with ThreadPoolExecutor(everybody) as pool:
        busy = sum(one.result(60) for one in [pool.submit(check) for _ in range(everybody)])
    assert 0 < busy <= 6
    assert is_right(hash_password(PASSWORD), PASSWORD)


@pytest.mark.parametrize(
    "password",
    [
        "short",
        "eleven char",
        "x" * (LONGEST + 1),
        "aaaaaaaaaaaaaaa",
        "abababababab",
        "abcabcabcabcabc",
        "123456789012",
        "qwertyuiop12",
        "qwertyuiopasdf",
        "poiuytrewqlkj",
        "abcd1234efgh",
        "password1234",
        "Passw0rd!!!!!!",
        "P@ssw0rd2026",
        "passwordpassword",
        "iloveyou2026!!",
        "Welcome123456!",
        "letmeinletmein",
        "correcthorsebatterystaple",
        "ada.lovelace@example.com",
        "ada.lovelace1815",
        "AdaLovelace!!!",
        "lovelaceada99",
        "example12345",
    ],
)
def test_a_password_that_is_guessed_first_is_refused(password: str) -> None:
    with pytest.raises(UnfitPasswordError):
        check_password(password, email="ada.lovelace@example.com", name="Ada Lovelace")


@pytest.mark.parametrize(
    "password",
    [
        PASSWORD,
        OTHER_PASSWORD,
        "correct horse battery staples",
        "tr0ub4dor&3-tr0ub",
        "849201736455",
        "ada likes analytical engines",
        "пароль из нескольких слов",
        "x" * 4 + "p9!vq2#zr7",
    ],
)
def test_long_passwords_of_any_kind_are_taken(password: str) -> None:
    check_password(password, email="ada.lovelace@example.com", name="Ada Lovelace")


@given(st.text(max_size=300), st.text(max_size=40), st.text(max_size=40))
def test_any_text_is_either_taken_or_refused(password: str, email: str, name: str) -> None:
    with suppress(UnfitPasswordError):
        check_password(password, email=email, name=name)
