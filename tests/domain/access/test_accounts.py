"""Invitations, forgotten passwords and new addresses: each link works once, and changes what it should."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select, text

from domain.access.address_changes import prove_address, request_address
from domain.access.invitations import Invitation, accept_invitation, invite
from domain.access.memberships import Giver
from domain.access.models import AccountToken, User
from domain.access.password_changes import WrongPasswordError, change_password, request_reset, reset_password
from domain.access.password_policy import UnfitPasswordError
from domain.access.principal import Grant
from domain.access.sessions import find_session, hash_of, open_session
from domain.access.sign_in import Accepted, check_password_sign_in
from domain.access.standing import standing_of
from domain.access.tokens import LASTS, TokenSpentError, issue_token, look_up, spend
from domain.access.users import AddressTakenError, create_user, disable_user
from domain.kernel.errors import BusyError
from tests.support import invitations
from tests.support.invitations import letters
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
from tests.support.waiting import until_one_waits

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from domain.access.models import TokenPurpose
    from domain.kernel.database import Database
    from tests.support.databases import DatabaseUrls

pytestmark = pytest.mark.integration
EMAIL = "ada@example.com"
SOON = NOW + timedelta(minutes=5)


@pytest.mark.parametrize("purpose", ["invite", "verify_email", "reset_password"])
def test_a_token_works_until_its_time_is_over_and_for_its_purpose_alone(
    database: Database, purpose: TokenPurpose
) -> None:
    user_id = make_user(database)
    end = NOW + LASTS[purpose]
    with database.platform_scope() as session:
        token = issue_token(session, user_id, purpose, EMAIL, NOW)
        assert look_up(session, token, purpose, end - timedelta(seconds=1)).user_id == user_id
        for wrong, moment in ((purpose, end), ("invite" if purpose != "invite" else "verify_email", NOW)):
            with pytest.raises(TokenSpentError):
                spend(session, token, wrong, moment)


def test_a_newer_token_voids_those_before_it(database: Database) -> None:
    user_id = make_user(database)
    with database.platform_scope() as session:
        old, new = (issue_token(session, user_id, "reset_password", EMAIL, NOW) for _ in range(2))
        with pytest.raises(TokenSpentError):
            look_up(session, old, "reset_password", NOW)
        assert spend(session, new, "reset_password", NOW).email == EMAIL


def test_of_two_clicks_at_once_one_counts(database: Database) -> None:
    token = reset_token(database, make_user(database))
    came_to = race(4, lambda: reset_password(database, token, OTHER_PASSWORD, NOW, VISITOR, sealer=SEALER))
    assert came_to == [False, False, False, True]
    assert len(acts(database, "user.password_reset")) == 1


def test_only_hashes_of_tokens_are_kept(database: Database) -> None:
    token = reset_token(database, make_user(database))
    with database.platform_scope() as session:
        assert token.encode() not in session.scalars(select(AccountToken.token_hash)).one()


def test_who_is_invited_chooses_a_password_and_signs_in(database: Database) -> None:
    token = invited(database)
    with pytest.raises(UnfitPasswordError):
        accept_invitation(database, token, "Ada", "ada", NOW, VISITOR)
    user_id = accept_invitation(database, token, "Ada", PASSWORD, NOW, VISITOR)
    assert check_password_sign_in(database, EMAIL, PASSWORD, NOW, VISITOR) == Accepted(user_id)
    with pytest.raises(TokenSpentError):
        accept_invitation(database, token, "Eve", OTHER_PASSWORD, NOW, VISITOR)
    (joined,) = acts(database, "user.joined")
    assert (joined.actor, joined.role) == ("Ada", "workspace_viewer")


def test_the_queue_holds_neither_the_token_nor_the_address(database: Database) -> None:
    token = invited(database)
    with database.platform_scope() as session:
        kept = session.scalars(text("SELECT args::text FROM jobs")).all()
    assert not any(secret in one for one in kept for secret in (token, EMAIL))


def test_inviting_again_sends_a_new_link_in_place_of_the_old_one(database: Database) -> None:
    old, new = invited(database), invited(database)
    with pytest.raises(TokenSpentError):
        accept_invitation(database, old, "Ada", PASSWORD, NOW, VISITOR)
    accept_invitation(database, new, "Ada", PASSWORD, NOW, VISITOR)


def test_who_has_an_account_is_told_of_the_role_and_keeps_the_password(database: Database) -> None:
    user_id = make_user(database)
    assert invited(database) == ""
    assert [one.letter for one in letters(database)] == ["access_given"]
    assert check_password_sign_in(database, EMAIL, PASSWORD, NOW, VISITOR) == Accepted(user_id)


def test_two_who_invite_one_person_at_once_make_one_account(database: Database) -> None:
    wanted = Invitation(EMAIL, Grant("workspace_viewer", make_place(database).org_id))

    def once() -> None:
        with database.platform_scope() as session:
            invite(session, BOOK, wanted, Giver(OPERATOR), NOW)

    assert race(4, once) == [True] * 4
    with database.platform_scope() as session:
        assert len(session.scalars(select(User.id)).all()) == 1


def test_the_links_of_a_disabled_person_are_dead(database: Database) -> None:
    token = invited(database)
    with database.platform_scope() as session:
        disable_user(session, BOOK, session.scalars(select(User.id)).one(), "left", OPERATOR, NOW)
    with pytest.raises(TokenSpentError):
        accept_invitation(database, token, "Ada", PASSWORD, NOW, VISITOR)


def test_a_reset_ends_all_sessions_and_the_wait_for_wrong_guesses(database: Database) -> None:
    user_id = make_user(database)
    session_token = open_one(database, user_id)
    for _ in range(5):
        check_password_sign_in(database, EMAIL, "a wrong password", NOW, VISITOR)
    reset_password(database, reset_token(database, user_id), OTHER_PASSWORD, NOW, VISITOR, sealer=SEALER)
    assert not is_open(database, session_token)
    assert check_password_sign_in(database, EMAIL, OTHER_PASSWORD, NOW, VISITOR) == Accepted(user_id)
    assert [one.letter for one in letters(database)] == ["password_changed"]


def test_changing_the_password_takes_the_present_one_and_ends_the_other_sessions(database: Database) -> None:
    user_id = make_user(database)
    this, other = open_one(database, user_id), open_one(database, user_id)
    change = (OTHER_PASSWORD, NOW, OPERATOR)
    with pytest.raises(WrongPasswordError):
        change_password(database, user_id, "a wrong password", *change, sealer=SEALER)
    assert is_open(database, other)
    change_password(database, user_id, PASSWORD, *change, sealer=SEALER, this_session=hash_of(this))
    assert (is_open(database, this), is_open(database, other)) == (True, False)
    assert len(acts(database, "user.password_changed")) == 1


def test_a_stolen_session_gets_no_more_guesses_of_the_password_than_a_stranger(database: Database) -> None:
    user_id = make_user(database)
    for _ in range(5):
        with pytest.raises(WrongPasswordError):
            change_password(database, user_id, "a wrong password", OTHER_PASSWORD, NOW, OPERATOR, sealer=SEALER)
    with pytest.raises(BusyError):
        change_password(database, user_id, PASSWORD, OTHER_PASSWORD, NOW, OPERATOR, sealer=SEALER)


def test_asking_for_a_reset_leaves_the_same_behind_for_each_address(database: Database) -> None:
    make_user(database)
    for email in (EMAIL, "nobody@example.com"):
        with database.platform_scope() as session:
            request_reset(session, email, VISITOR, sealer=SEALER)
    with database.platform_scope() as session:
        rows = session.execute(text("SELECT kind, org_id, length(args::text), args->>'ip' FROM jobs")).all()
    assert len(rows) == 2
    assert len({(row[0], row[1], row[3]) for row in rows}) == 1
    assert acts(database, "user.reset_sent") == []


def test_a_new_address_counts_once_it_is_proved(database: Database) -> None:
    user_id = make_user(database)
    reset = reset_token(database, user_id)
    with pytest.raises(WrongPasswordError):
        request_address(database, user_id, "new@example.com", OTHER_PASSWORD, NOW, OPERATOR, sealer=SEALER)
    request_address(database, user_id, " New@Example.com", PASSWORD, NOW, OPERATOR, sealer=SEALER)
    (asked,) = letters(database)
    assert SEALER.unseal(asked.sealed_address) == "new@example.com"
    assert check_password_sign_in(database, EMAIL, PASSWORD, NOW, VISITOR) == Accepted(user_id)
    with database.platform_scope() as session:
        prove_address(session, SEALER.unseal(asked.sealed_token or ""), NOW, VISITOR, sealer=SEALER)
    assert check_password_sign_in(database, "new@example.com", PASSWORD, NOW, VISITOR) == Accepted(user_id)
    assert [SEALER.unseal(one.sealed_address) for one in letters(database)] == ["new@example.com", EMAIL]
    with pytest.raises(TokenSpentError):
        reset_password(database, reset, OTHER_PASSWORD, NOW, VISITOR, sealer=SEALER)
    (act,) = acts(database, "user.email_changed")
    assert (act.before, act.after) == ({"address": "[email a…@….com]"}, {"address": "[email n…@….com]"})


def test_an_address_that_became_anothers_meanwhile_stays_theirs(database: Database) -> None:
    user_id = make_user(database)
    request_address(database, user_id, "new@example.com", PASSWORD, NOW, OPERATOR, sealer=SEALER)
    make_user(database, "new@example.com")
    token = SEALER.unseal(letters(database)[0].sealed_token or "")
    with database.platform_scope() as session, pytest.raises(AddressTakenError):
        prove_address(session, token, NOW, VISITOR, sealer=SEALER)


def test_of_two_who_prove_one_address_at_once_one_gets_it_and_the_other_is_told(
    database: Database, database_urls: DatabaseUrls
) -> None:
    tokens = []
    for email in (EMAIL, "bob@example.com"):
        request_address(database, make_user(database, email), "new@example.com", PASSWORD, NOW, OPERATOR, sealer=SEALER)
        tokens.append(SEALER.unseal(letters(database)[-1].sealed_token or ""))

    def prove(token: str) -> None:
        with database.platform_scope() as session:
            prove_address(session, token, NOW, VISITOR, sealer=SEALER)

    with ThreadPoolExecutor(1) as other:
        with database.platform_scope() as session:
            prove_address(session, tokens[0], NOW, VISITOR, sealer=SEALER)
            second = other.submit(prove, tokens[1])
            until_one_waits(database_urls.superuser)
        with pytest.raises(AddressTakenError):
            second.result(timeout=20)
    assert len(acts(database, "user.email_changed")) == 1


def test_one_address_has_one_account(database: Database) -> None:
    make_user(database)
    with database.platform_scope() as session, pytest.raises(AddressTakenError):
        create_user(session, " ADA@example.com", "Eve", None, OPERATOR, NOW)


def invited(database: Database) -> str:
    """Let the operator invite Ada, and return the token of the letter; empty when it holds none."""
    place = make_place(database)
    grant = Grant("workspace_viewer", place.org_id, place.client_id)
    invitations.invited(database, EMAIL, grant, Giver(OPERATOR))
    sealed = letters(database)[-1].sealed_token
    return SEALER.unseal(sealed) if sealed else ""


def reset_token(database: Database, user_id: UUID) -> str:
    with database.platform_scope() as session:
        return issue_token(session, user_id, "reset_password", EMAIL, NOW)


def open_one(database: Database, user_id: UUID) -> str:
    with database.platform_scope() as session:
        standing = standing_of(session.get_one(User, user_id))
        return open_session(
            session, user_id=user_id, standing=standing, now=NOW, ip=None, user_agent=None, second_factor=False
        )


def is_open(database: Database, token: str) -> bool:
    with database.platform_scope() as session:
        return find_session(session, token, SOON) is not None


def race(many: int, act: Callable[[], object]) -> list[bool]:
    """Do something in several threads at once; return in which it succeeded, sorted."""

    def once(_: int) -> bool:
        try:
            act()
        except TokenSpentError:
            return False
        return True

    with ThreadPoolExecutor(many) as pool:
        return sorted(pool.map(once, range(many)))
