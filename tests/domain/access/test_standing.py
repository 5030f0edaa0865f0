"""A session rests on what was checked to open it: whatever changes that meanwhile keeps it shut."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING, Final
from uuid import UUID

import pyotp
import pytest
from sqlalchemy import text

from domain.access.password_changes import reset_password
from domain.access.passwords import hash_password
from domain.access.principal import Grant
from domain.access.second_factor_setup import begin, confirm
from domain.access.sessions import Owner, list_sessions, open_session
from domain.access.sign_in import (
    Accepted,
    NeedsSecondFactor,
    Refused,
    check_code_sign_in,
    check_password_sign_in,
    turn_away,
)
from domain.access.standing import CHANGED, DISABLED, TurnedAwayError
from domain.access.tokens import issue_token
from domain.access.users import disable_user
from domain.kernel.ids import PLATFORM_ORG_ID
from tests.support.eventually import eventually
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
    from domain.kernel.database import Database

pytestmark = pytest.mark.integration
EMAIL: Final = "ada@example.com"
SOON: Final = NOW + timedelta(minutes=1)


def reset(database: Database, user_id: UUID) -> None:
    with database.platform_scope() as session:
        token = issue_token(session, user_id, "reset_password", EMAIL, NOW)
    reset_password(database, token, OTHER_PASSWORD, SOON, VISITOR, sealer=SEALER)


def disable(database: Database, user_id: UUID) -> None:
    with database.platform_scope() as session:
        disable_user(session, BOOK, user_id, "left", OPERATOR, SOON)


def enrol(database: Database, user_id: UUID) -> None:
    with database.platform_scope() as session:
        totp = pyotp.TOTP(begin(session, user_id, SEALER).secret)
        confirm(session, user_id, totp.at(NOW), NOW, OPERATOR, sealer=SEALER)


@pytest.mark.parametrize(
    ("change", "words"),
    [(reset, CHANGED), (disable, DISABLED), (enrol, CHANGED)],
    ids=["a new password", "a disabled account", "a second factor"],
)
def test_what_changes_between_the_check_and_the_session_keeps_it_shut(
    database: Database, change: Callable[[Database, UUID], None], words: str
) -> None:
    user_id = make_user(database)
    accepted = check_password_sign_in(database, EMAIL, PASSWORD, NOW, VISITOR)
    assert isinstance(accepted, Accepted)
    change(database, user_id)
    with pytest.raises(TurnedAwayError, match=words):
        enter(database, accepted)
    assert sessions(database, user_id) == 0


def test_nothing_changed_opens_it_and_a_forgotten_mark_does_not(database: Database) -> None:
    user_id = make_user(database)
    accepted = check_password_sign_in(database, EMAIL, PASSWORD, NOW, VISITOR)
    assert isinstance(accepted, Accepted)
    enter(database, accepted)
    with pytest.raises(TurnedAwayError):
        enter(database, Accepted(user_id))
    assert sessions(database, user_id) == 1


def test_a_password_that_is_being_changed_is_waited_for(database: Database) -> None:
    user_id = make_user(database)
    accepted = check_password_sign_in(database, EMAIL, PASSWORD, NOW, VISITOR)
    assert isinstance(accepted, Accepted)
    with ThreadPoolExecutor(1) as pool:
        with database.platform_scope() as session:
            session.execute(
                text("UPDATE users SET password_hash = :hash, password_changed_at = :now WHERE id = :id"),
                {"hash": hash_password(OTHER_PASSWORD), "now": SOON, "id": user_id},
            )
            entering = pool.submit(enter, database, accepted)
            waiting = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
            eventually(lambda: entering.done() or session.scalar(waiting), what="waiting for the change")
            assert not entering.done()
        with pytest.raises(TurnedAwayError, match=CHANGED):
            entering.result(10)
    assert sessions(database, user_id) == 0


def test_a_code_does_not_let_in_whose_password_was_changed_since_they_showed_it(database: Database) -> None:
    user_id = make_user(database)
    with database.platform_scope() as session:
        totp = pyotp.TOTP(begin(session, user_id, SEALER).secret)
        confirm(session, user_id, totp.at(NOW), NOW, OPERATOR, sealer=SEALER)
    needed = check_password_sign_in(database, EMAIL, PASSWORD, NOW, VISITOR)
    assert isinstance(needed, NeedsSecondFactor)
    reset(database, user_id)
    later = NOW + timedelta(minutes=3)
    code = totp.at(later)
    assert check_code_sign_in(database, needed, code, later, sealer=SEALER, origin=VISITOR) == Refused(CHANGED)
    assert acts(database, "user.sign_in") == []


def test_who_came_too_late_is_on_record(database: Database) -> None:
    user_id = make_user(database)
    turn_away(database, Accepted(user_id), CHANGED, VISITOR)
    (failed,) = acts(database, "user.sign_in_failed")
    assert (failed.actor, failed.target_id, failed.after) == (
        "Ada",
        str(user_id),
        {"factor": "changed", "words": CHANGED},
    )


def test_that_an_account_was_disabled_meanwhile_is_on_record_with_the_platform_alone(database: Database) -> None:
    user_id = make_user(database, EMAIL, Grant("implementation_lead", make_place(database).org_id))
    turn_away(database, Accepted(user_id), DISABLED, VISITOR)
    assert [act.org_id for act in acts(database, "user.sign_in_failed")] == [PLATFORM_ORG_ID]


def enter(database: Database, accepted: Accepted) -> str:
    with database.platform_scope() as session:
        return open_session(
            session,
            user_id=accepted.user_id,
            standing=accepted.standing,
            now=NOW,
            ip=None,
            user_agent=None,
            second_factor=False,
        )


def sessions(database: Database, user_id: UUID) -> int:
    with database.platform_scope() as session:
        return len(list_sessions(session, Owner(user_id), NOW))
