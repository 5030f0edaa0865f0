"""People sign in with what they know; nobody learns by trying whether an account exists."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

import pyotp
import pytest
from argon2 import PasswordHasher
from sqlalchemy import event, select, update

from domain.access.lockout import FIRST_WAIT, FREE_FAILURES
from domain.access.models import User
from domain.access.principal import Grant
from domain.access.second_factor_setup import begin, confirm
from domain.access.sign_in import (
    Accepted,
    Locked,
    NeedsSecondFactor,
    Refused,
    SignIn,
    check_code_sign_in,
    check_password_sign_in,
)
from domain.access.users import disable_user
from domain.kernel.ids import PLATFORM_ORG_ID
from tests.support.people import (
    BOOK,
    NOW,
    OPERATOR,
    OTHER_PASSWORD,
    PASSWORD,
    SEALER,
    VISITOR,
    acts,
    make_place,
    make_user,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from uuid import UUID

    from domain.kernel.database import Database

pytestmark = pytest.mark.integration
EMAIL = "ada@example.com"


def test_the_right_password_lets_somebody_in_however_they_write_their_address(database: Database) -> None:
    user_id = make_user(database)
    assert sign_in(database, " Ada@Example.COM ") == Accepted(user_id)
    with database.platform_scope() as session:
        assert session.get_one(User, user_id).last_sign_in_at == NOW


@pytest.mark.parametrize("email", [EMAIL, "nobody@example.com", "no address", "nul\x00@example.com", "a" * 500, ""])
def test_anything_else_is_refused_in_the_same_words(database: Database, email: str) -> None:
    make_user(database)
    assert sign_in(database, email, OTHER_PASSWORD) == Refused("This address and password do not belong together.")


def test_known_and_unknown_addresses_have_to_wait_alike(database: Database) -> None:
    make_user(database)
    known = [sign_in(database, EMAIL, OTHER_PASSWORD) for _ in range(7)]
    unknown = [sign_in(database, "nobody@example.com", OTHER_PASSWORD) for _ in range(7)]
    assert known == unknown
    assert known[FREE_FAILURES + 1 :] == [Locked(NOW + FIRST_WAIT)] * 2


def test_an_unknown_address_is_looked_up_and_hashed_as_a_known_one_is(database: Database) -> None:
    make_user(database)
    work = []
    for email in (EMAIL, "nobody@example.com"):
        with statements(database) as said:
            sign_in(database, email, OTHER_PASSWORD)
        work.append(said)
    assert work[0] == work[1]


def test_the_right_password_is_not_looked_at_while_one_has_to_wait(database: Database) -> None:
    user_id = make_user(database)
    for _ in range(FREE_FAILURES + 1):
        sign_in(database, password=OTHER_PASSWORD)
    assert sign_in(database) == Locked(NOW + FIRST_WAIT)
    assert sign_in(database, now=NOW + FIRST_WAIT) == Accepted(user_id)
    assert [sign_in(database, password=OTHER_PASSWORD) for _ in range(FREE_FAILURES)] == [
        Refused("This address and password do not belong together.")
    ] * FREE_FAILURES


def test_guesses_at_once_are_no_more_than_those_in_turn(database: Database) -> None:
    make_user(database)
    start = threading.Barrier(10)

    def guess(_: int) -> SignIn:
        start.wait(10)
        return sign_in(database, password=OTHER_PASSWORD)

    with ThreadPoolExecutor(10) as pool:
        came_to = list(pool.map(guess, range(10)))
    assert sum(isinstance(one, Refused) for one in came_to) == FREE_FAILURES + 1
    assert len(acts(database, "user.locked")) == 1


def test_a_disabled_person_is_told_only_with_the_right_password(database: Database) -> None:
    user_id = make_user(database)
    with database.platform_scope() as session:
        disable_user(session, BOOK, user_id, "left", OPERATOR, NOW)
    assert sign_in(database, password=OTHER_PASSWORD) == Refused("This address and password do not belong together.")
    assert sign_in(database) == Refused("This account is disabled. Ask an administrator.")


def test_an_old_hash_is_replaced_when_its_password_is_shown(database: Database) -> None:
    user_id = make_user(database)
    old = PasswordHasher(time_cost=1, memory_cost=8192, parallelism=1).hash(PASSWORD)
    keep(database, user_id, old)
    assert sign_in(database) == Accepted(user_id)
    assert kept(database, user_id).startswith("$argon2id$v=19$m=65536,t=3,p=1$")
    assert sign_in(database) == Accepted(user_id)


def test_a_second_factor_is_asked_for_after_the_password(database: Database) -> None:
    user_id = make_user(database)
    totp = enrol(database, user_id)
    later = NOW + timedelta(minutes=5)
    needed = sign_in(database, now=later)
    assert needed == NeedsSecondFactor(user_id)
    assert acts(database, "user.sign_in") == []
    assert sign_in_code(database, needed, totp.at(later), later) == Accepted(user_id)
    assert [one.after for one in acts(database, "user.sign_in")] == [{"second_factor": True}]


def test_the_right_password_buys_no_more_guesses_of_the_code(database: Database) -> None:
    user_id = make_user(database)
    totp = enrol(database, user_id)
    later = NOW + timedelta(minutes=5)
    needed = sign_in(database, now=later)
    for _ in range(FREE_FAILURES + 1):
        assert sign_in(database, now=later) == needed
        assert isinstance(sign_in_code(database, needed, "000000", later), Refused)
    assert sign_in_code(database, needed, totp.at(later), later) == Locked(later + FIRST_WAIT)


def test_a_sign_in_shows_to_the_administrators_of_the_persons_client(database: Database) -> None:
    place = make_place(database)
    grants = [Grant("workspace_viewer", place.org_id, place.client_id)]
    make_user(database, EMAIL, *grants)
    sign_in(database)
    sign_in(database, password=OTHER_PASSWORD)
    sign_in(database, "nobody@example.com", OTHER_PASSWORD)
    (accepted,) = acts(database, "user.sign_in")
    assert (accepted.org_id, accepted.client_id) == (place.org_id, place.client_id)
    assert (accepted.actor, accepted.role, str(accepted.ip)) == ("Ada", "workspace_viewer", "192.0.2.7")
    failed, unknown = acts(database, "user.sign_in_failed")
    assert (failed.org_id, failed.client_id) == (place.org_id, place.client_id)
    assert (unknown.org_id, unknown.target_id) == (PLATFORM_ORG_ID, "unknown")
    assert "nobody" not in str(unknown.after)


def sign_in(database: Database, email: str = EMAIL, password: str = PASSWORD, *, now: datetime = NOW) -> SignIn:
    return check_password_sign_in(database, email, password, now, VISITOR)


def sign_in_code(database: Database, needed: SignIn, code: str, now: datetime) -> SignIn:
    assert isinstance(needed, NeedsSecondFactor)
    return check_code_sign_in(database, needed, code, now, sealer=SEALER, origin=VISITOR)


def enrol(database: Database, user_id: UUID) -> pyotp.TOTP:
    """Turn the second factor on, as its person does."""
    with database.platform_scope() as session:
        totp = pyotp.TOTP(begin(session, user_id, SEALER).secret)
        confirm(session, user_id, totp.at(NOW), NOW, OPERATOR, sealer=SEALER)
    return totp


def keep(database: Database, user_id: UUID, password_hash: str) -> None:
    with database.platform_scope() as session:
        session.execute(update(User).where(User.id == user_id).values(password_hash=password_hash))


def kept(database: Database, user_id: UUID) -> str:
    with database.platform_scope() as session:
        return session.scalar(select(User.password_hash).where(User.id == user_id)) or ""


@contextmanager
def statements(database: Database) -> Iterator[list[str]]:
    """Collect the statements that a platform scope runs."""
    said: list[str] = []
    with database.platform_scope() as session:
        engine = session.get_bind()

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        said.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield said
    finally:
        event.remove(engine, "before_cursor_execute", note)
