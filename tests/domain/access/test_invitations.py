"""What inviting somebody tells: nothing to who invites, and to the person what they need."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from domain.access.consent import (
    accept_offer,
    list_invitations,
)
from domain.access.grants import grants_of
from domain.access.invitations import AccountDisabledError, Invitation, accept_invitation, invite
from domain.access.memberships import (
    Giver,
    memberships_of,
    withdraw_invitation,
)
from domain.access.openid import sign_in_as
from domain.access.openid_ports import Identity
from domain.access.people import UserNotFoundError
from domain.access.principal import Grant
from domain.access.sign_in import Accepted, check_password_sign_in
from domain.access.tokens import TokenSpentError
from domain.access.users import UserFilter, disable_user, list_users, show_user
from domain.access.within import Within
from domain.audit.models import AuditLog
from domain.kernel.ids import PLATFORM_ORG_ID
from tests.support.invitations import (
    answer_all,
    give,
    invited,
    lead_of,
    letters,
    of_platform,
    offers,
    only,
    viewer,
)
from tests.support.people import (
    BOOK,
    NOW,
    OPERATOR,
    PASSWORD,
    SEALER,
    VISITOR,
    Place,
    acts,
    make_place,
    make_user,
)

if TYPE_CHECKING:
    from uuid import UUID

    from domain.kernel.database import Database

pytestmark = pytest.mark.integration
ADA = "ada@example.com"


@pytest.fixture
def place(database: Database) -> Place:
    return make_place(database)


def test_a_sign_in_shows_to_organizations_that_its_person_accepted_alone(database: Database, place: Place) -> None:
    theirs = make_place(database)
    user_id = make_user(database, ADA, Grant("workspace_admin", theirs.org_id))
    give(database, user_id, viewer(place), lead_of(place))
    check_password_sign_in(database, ADA, PASSWORD, NOW, VISITOR)
    check_password_sign_in(database, ADA, "a wrong password", NOW, VISITOR)
    assert about(database, place.org_id) == [("user.invited", "invitation")]
    assert {action for action, _ in about(database, theirs.org_id)} >= {"user.sign_in", "user.sign_in_failed"}
    with database.platform_scope() as session:
        accept_offer(session, user_id, only(database, user_id, place).id, NOW, VISITOR)
    check_password_sign_in(database, ADA, PASSWORD, NOW, VISITOR)
    signed_in = [act for act in acts(database, "user.sign_in") if act.org_id == place.org_id]
    # What they are in the other organization is not this one's to know.
    assert [act.role for act in signed_in] == ["workspace_viewer"]


def test_an_organization_learns_nothing_of_whom_it_invited(database: Database, place: Place) -> None:
    elsewhere = Grant("workspace_admin", make_place(database).org_id)
    user_id = make_user(database, ADA, elsewhere, name="Ada Lovelace")
    held = give(database, user_id, viewer(place), lead_of(place))
    within = lead_of(place).within
    with database.platform_scope() as session:
        assert list_users(session, UserFilter(), within) == []
        assert memberships_of(session, [user_id], within) == []
        with pytest.raises(UserNotFoundError):
            show_user(session, user_id, within)
        assert [one.id for one in list_invitations(session, within, NOW)] == [held.id]
        assert list_invitations(session, lead_of(make_place(database)).within, NOW) == []
        kept = [act for act in session.query(AuditLog).all() if act.org_id == place.org_id]
    assert kept
    for act in kept:
        everything = f"{act.actor} {act.actor_user_id} {act.target_id} {act.before} {act.after}"
        assert "Ada" not in everything
        assert str(user_id) not in everything


def test_the_platform_sees_who_is_invited(database: Database, place: Place) -> None:
    user_id = make_user(database)
    give(database, user_id, viewer(place), lead_of(place))
    with database.platform_scope() as session:
        (listed,) = list_users(session, UserFilter(), Within(place.org_id, by_platform=True))
    assert (listed.user.id, listed.whole) == (user_id, True)
    assert [one.accepted_at for one in listed.memberships] == [None]


def test_a_disabled_account_looks_like_any_other_to_all_but_the_platform(database: Database, place: Place) -> None:
    user_id = make_user(database, ADA, viewer(place))
    with database.platform_scope() as session:
        disable_user(session, BOOK, user_id, "Left.", OPERATOR, NOW)
        seen = show_user(session, user_id, lead_of(place).within)
        assert (seen.state, seen.whole) == ("active", False)
        assert list_users(session, UserFilter(state="disabled"), lead_of(place).within) == []
        assert len(list_users(session, UserFilter(state="active"), lead_of(place).within)) == 1
        assert show_user(session, user_id, Within()).state == "disabled"
    assert [act.org_id for act in acts(database, "user.disabled")] == [PLATFORM_ORG_ID]


def test_a_new_person_accepts_what_they_were_shown_and_no_more(database: Database, place: Place) -> None:
    evil = make_place(database)
    wanted = invited(database, "new@example.com", viewer(place), lead_of(place))
    unwanted = invited(database, "new@example.com", viewer(evil), lead_of(evil))
    token = SEALER.unseal(letters(database)[-1].sealed_token or "")
    user_id = accept_invitation(database, token, "New", PASSWORD, NOW, VISITOR, accepts=[wanted.id])
    with database.platform_scope() as session:
        assert grants_of(session, user_id) == (viewer(place),)
    assert [one.id for one in offers(database, user_id)] == [unwanted.id]
    assert [act.org_id for act in acts(database, "user.joined")] == [place.org_id]
    assert [action for action, _ in about(database, evil.org_id)] == ["user.invited"]


def test_a_letters_link_sets_no_password_once_a_provider_vouched_for_its_person(
    database: Database, place: Place
) -> None:
    held = invited(database, "new@example.com", viewer(place), lead_of(place))
    token = SEALER.unseal(letters(database)[-1].sealed_token or "")
    with database.platform_scope() as session:
        came_to = sign_in_as(session, Identity("https://id.example", "1", "new@example.com"), NOW, VISITOR)
    assert isinstance(came_to, Accepted)
    with pytest.raises(TokenSpentError):
        accept_invitation(database, token, "Eve", PASSWORD, NOW, VISITOR, accepts=[held.id])
    assert [one.id for one in offers(database, came_to.user_id)] == [held.id]


def test_which_letter_is_written_depends_on_the_account(database: Database, place: Place) -> None:
    make_user(database)
    member = make_user(database, "member@example.com", viewer(place, place.other_client_id))
    gone = make_user(database, "gone@example.com")
    with database.platform_scope() as session:
        disable_user(session, BOOK, gone, "Left.", OPERATOR, NOW)
    for email in (ADA, "member@example.com", "new@example.com", "gone@example.com"):
        invited(database, email, viewer(place), lead_of(place))
    assert [(one.letter, one.place, one.role) for one in letters(database)] == [
        ("role_offered", "A client (Acme)", "Workspace viewer"),
        ("access_given", "A client (Acme)", "Workspace viewer"),
        ("invite", "A client (Acme)", ""),
    ]
    assert letters(database)[1].user_id == member


def test_what_was_withdrawn_before_a_worker_came_is_not_written_about(database: Database, place: Place) -> None:
    make_user(database)
    with database.platform_scope() as session:
        held = invite(session, BOOK, Invitation(ADA, viewer(place)), lead_of(place), NOW)
        withdraw_invitation(session, BOOK, held.id, lead_of(place))
    assert answer_all(database) == 0


def test_only_the_platform_is_told_that_an_account_is_disabled(database: Database, place: Place) -> None:
    gone = make_user(database)
    with database.platform_scope() as session:
        disable_user(session, BOOK, gone, "Left.", OPERATOR, NOW)
    for giver in (Giver(OPERATOR), of_platform()):
        with pytest.raises(AccountDisabledError):
            invited(database, ADA, viewer(place), giver)
    assert invited(database, ADA, viewer(place), lead_of(place)).accepted_at is None
    assert letters(database) == []


def about(database: Database, org_id: UUID) -> list[tuple[str, str]]:
    """Return what an organization's log says: actions, and what they were done to."""
    with database.platform_scope() as session:
        kept = session.query(AuditLog).order_by(AuditLog.id).all()
    return [(act.action, act.target_type) for act in kept if act.org_id == org_id]
