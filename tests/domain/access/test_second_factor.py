"""A code is good once, near its time, for whom it is; recovery codes stand in for it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING

import pyotp
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, text

from domain.access.models import RecoveryCode, User
from domain.access.password_changes import WrongPasswordError
from domain.access.second_factor import check_second_factor, step_of
from domain.access.second_factor_setup import (
    RECOVERY_CODES,
    SecondFactorNotBegunError,
    SecondFactorOffError,
    SecondFactorOnError,
    WrongCodeError,
    begin,
    begun,
    codes_left,
    confirm,
    remove,
    renew_codes,
)
from providers.sealing import FernetSealer
from tests.support.people import NOW, OPERATOR, OTHER_PASSWORD, PASSWORD, SEALER, acts, make_user

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from domain.kernel.database import Database

SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
STEP = timedelta(seconds=30)
LATER = NOW + timedelta(minutes=10)


@given(st.integers(-5, 5), st.integers(0, 29), st.sampled_from(["{}", " {} ", "{}\n"]))
def test_a_code_is_taken_one_step_early_or_late_and_not_more(steps: int, seconds: int, written: str) -> None:
    code = pyotp.TOTP(SECRET).at(NOW + steps * STEP)
    moment = NOW + timedelta(seconds=seconds)
    near = {pyotp.TOTP(SECRET).at(moment + step * STEP) for step in (-1, 0, 1)}
    assert (step_of(SECRET, written.format(code), moment) is not None) == (code in near)


@given(st.text(max_size=20))
def test_any_text_is_a_code_or_none(given_code: str) -> None:
    assert step_of(SECRET, given_code, NOW) is None or given_code.strip()


@pytest.mark.integration
class TestWithAnAccount:
    """What takes a database."""

    def test_a_code_is_good_once_and_so_is_none_before_it(self, database: Database) -> None:
        user_id, totp, _ = enrolled(database)
        assert check(database, user_id, totp.at(LATER))
        assert not check(database, user_id, totp.at(LATER))
        assert not check(database, user_id, totp.at(LATER - STEP))
        assert check(database, user_id, totp.at(LATER + STEP))

    def test_of_two_who_send_the_same_code_at_once_one_gets_in(self, database: Database) -> None:
        user_id, totp, codes = enrolled(database)
        for code in (totp.at(LATER), codes[0]):
            with ThreadPoolExecutor(4) as pool:
                assert sum(pool.map(lambda _, code=code: check(database, user_id, code), range(4))) == 1

    def test_a_code_used_while_the_clock_was_ahead_locks_nobody_out(self, database: Database) -> None:
        user_id, totp, _ = enrolled(database)
        ahead = LATER + timedelta(days=30)
        assert check(database, user_id, totp.at(ahead), ahead)
        assert check(database, user_id, totp.at(LATER), LATER)

    def test_each_recovery_code_is_good_once_however_it_is_written(self, database: Database) -> None:
        user_id, _, codes = enrolled(database)
        assert len(set(codes)) == RECOVERY_CODES
        assert check(database, user_id, codes[0].lower().replace("-", " "))
        assert not check(database, user_id, codes[0])
        with database.platform_scope() as session:
            assert codes_left(session, user_id) == RECOVERY_CODES - 1

    def test_nothing_that_is_stored_opens_anything(self, database: Database) -> None:
        user_id, totp, codes = enrolled(database)
        with database.platform_scope() as session:
            sealed = session.scalar(select(User.sealed_totp_secret).where(User.id == user_id)) or ""
            hashes = session.scalars(select(RecoveryCode.code_hash)).all()
        assert totp.secret not in sealed
        assert not any(code.replace("-", "").encode() in kept for code in codes for kept in hashes)

    def test_codes_of_somebody_without_a_second_factor_are_none(self, database: Database) -> None:
        user_id = make_user(database)
        with database.platform_scope() as session:
            secret = begin(session, user_id, SEALER).secret
        assert not check(database, user_id, pyotp.TOTP(secret).at(LATER))

    def test_recovery_codes_work_when_the_secret_key_was_lost(self, database: Database) -> None:
        user_id, totp, codes = enrolled(database)
        other = FernetSealer("another secret key that is long enough too")
        assert not check_second_factor(database, user_id, totp.at(LATER), LATER, other)
        assert check_second_factor(database, user_id, codes[0], LATER, other)

    def test_it_counts_only_once_a_code_confirmed_it(self, database: Database) -> None:
        user_id = make_user(database)
        with database.platform_scope() as session, pytest.raises(SecondFactorNotBegunError):
            begun(session, user_id, SEALER)
        with database.platform_scope() as session:
            enrolment = begin(session, user_id, SEALER)
            assert begun(session, user_id, SEALER).secret == enrolment.secret
            assert "otpauth://totp/Gatehouse:ada%40example.com?secret=" in enrolment.uri
            assert enrolment.picture.startswith("data:image/svg+xml")
        with database.platform_scope() as session, pytest.raises(WrongCodeError):
            confirm(session, user_id, "000000", NOW, OPERATOR, sealer=SEALER)
        assert acts(database, "user.totp_enabled") == []

    def test_the_code_that_confirmed_it_does_not_sign_in_as_well(self, database: Database) -> None:
        user_id, totp, _ = enrolled(database)
        assert not check(database, user_id, totp.at(NOW), NOW)

    def test_new_recovery_codes_take_the_password_and_a_code_and_end_those_before(self, database: Database) -> None:
        user_id, totp, before = enrolled(database)
        with pytest.raises(WrongPasswordError):
            renew(database, user_id, OTHER_PASSWORD, totp.at(LATER))
        with pytest.raises(WrongCodeError):
            renew(database, user_id, PASSWORD, "000000")
        assert acts(database, "user.recovery_codes_renewed") == []
        new = renew(database, user_id, PASSWORD, totp.at(LATER))
        assert (len(new), set(new) & set(before)) == (RECOVERY_CODES, set())
        assert not check(database, user_id, before[0])
        assert check(database, user_id, new[0])
        newer = renew(database, user_id, PASSWORD, new[1])
        assert not check(database, user_id, new[2])
        assert check(database, user_id, newer[0])
        assert len(acts(database, "user.recovery_codes_renewed")) == 2
        with database.platform_scope() as session:
            letters = session.scalars(text("SELECT args->>'letter' FROM jobs")).all()
        assert letters == ["recovery_codes_renewed"] * 2

    def test_nobody_without_a_second_factor_gets_recovery_codes(self, database: Database) -> None:
        user_id = make_user(database)
        with pytest.raises(SecondFactorOffError):
            renew(database, user_id, PASSWORD, "000000")
        with database.platform_scope() as session:
            assert codes_left(session, user_id) == 0

    def test_turning_it_off_takes_the_password_and_is_told(self, database: Database) -> None:
        user_id, totp, codes = enrolled(database)
        with database.platform_scope() as session, pytest.raises(SecondFactorOnError):
            begin(session, user_id, SEALER)
        with pytest.raises(WrongPasswordError):
            remove(database, user_id, OTHER_PASSWORD, LATER, OPERATOR, sealer=SEALER)
        remove(database, user_id, PASSWORD, LATER, OPERATOR, sealer=SEALER)
        assert not check(database, user_id, totp.at(LATER))
        assert not check(database, user_id, codes[0])
        assert len(acts(database, "user.totp_removed")) == 1
        with database.platform_scope() as session:
            letters = session.scalars(text("SELECT args->>'letter' FROM jobs")).all()
        assert letters == ["second_factor_removed"]


def enrolled(database: Database) -> tuple[UUID, pyotp.TOTP, Sequence[str]]:
    user_id = make_user(database)
    with database.platform_scope() as session:
        totp = pyotp.TOTP(begin(session, user_id, SEALER).secret)
        codes = confirm(session, user_id, totp.at(NOW), NOW, OPERATOR, sealer=SEALER)
    return user_id, totp, codes


def check(database: Database, user_id: UUID, code: str, now: datetime = LATER) -> bool:
    return check_second_factor(database, user_id, code, now, SEALER)


def renew(database: Database, user_id: UUID, password: str, code: str) -> Sequence[str]:
    return renew_codes(database, user_id, password, code, LATER, OPERATOR, sealer=SEALER)
