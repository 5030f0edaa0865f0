"""A role counts with its person's consent alone: until then it opens nothing, and says nothing about them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from domain.access.administrators import LastAdministratorError
from domain.access.consent import (
    OPEN_FOR,
    InvitationClosedError,
    accept_offer,
    accept_shown,
    decline_offer,
    expire_invitations,
    list_invitations,
    offers_to,
)
from domain.access.grants import grants_of, reports_of
from domain.access.memberships import (
    Giver,
    MembershipNotFoundError,
    ReportingCircleError,
    give_role,
    take_role,
    withdraw_invitation,
)
from domain.access.models import Membership, User
from domain.access.principal import Grant
from domain.access.sessions import find_session, open_session
from domain.access.standing import standing_of
from domain.access.users import disable_user
from domain.access.within import Within
from domain.audit.record import Actor
from domain.kernel.errors import InvalidInputError
from domain.kernel.ids import new_id
from tests.support.invitations import (
    boss_of,
    crew,
    give,
    lead_of,
    of_platform,
    offers,
    only,
    viewer,
)
from tests.support.people import (
    BOOK,
    NOW,
    OPERATOR,
    PLATFORM_ADMIN,
    VISITOR,
    Place,
    acts,
    make_place,
    make_user,
)
from tests.support.waiting import until_one_waits

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from domain.access.sessions import FoundSession
    from domain.kernel.database import Database
    from tests.support.databases import DatabaseUrls

pytestmark = pytest.mark.integration
ADA = "ada@example.com"
A_MOMENT = timedelta(seconds=1)
GIVERS: dict[str, Callable[[Place], Giver]] = {
    "the installation": lambda _: Giver(OPERATOR),
    "the platform": lambda _: of_platform(),
    "the organization": lead_of,
    "a client's": boss_of,
}
STANDINGS = ("a stranger", "somebody elsewhere", "invited here", "of another client here", "of all of it")


@pytest.fixture
def place(database: Database) -> Place:
    return make_place(database)


@pytest.mark.parametrize("standing", STANDINGS)
@pytest.mark.parametrize("by", GIVERS)
def test_a_role_counts_at_once_from_the_installation_and_among_an_organizations_own(
    database: Database, place: Place, by: str, standing: str
) -> None:
    user_id = make_user(database)
    if standing == "somebody elsewhere":
        give(database, user_id, Grant("workspace_admin", make_place(database).org_id), Giver(OPERATOR))
    elif standing == "invited here":
        give(database, user_id, viewer(place, place.other_client_id), lead_of(place))
    elif standing == "of another client here":
        give(database, user_id, viewer(place, place.other_client_id), Giver(OPERATOR))
    elif standing == "of all of it":
        give(database, user_id, Grant("workspace_admin", place.org_id), Giver(OPERATOR))
    held = give(database, user_id, viewer(place), GIVERS[by](place))
    counts = by == "the installation" or standing in {"of another client here", "of all of it"}
    assert (held.accepted_at, held.invited_address) == ((NOW, None) if counts else (None, ADA))
    with database.platform_scope() as session:
        assert (viewer(place) in grants_of(session, user_id)) == counts


def test_what_nobody_accepted_opens_nothing(database: Database, place: Place) -> None:
    boss, user_id = make_user(database, "boss@example.com", crew(place)), make_user(database)
    give(database, user_id, crew(place), of_platform(), reports_to=boss)
    with database.platform_scope() as session:
        assert grants_of(session, user_id) == ()
        assert reports_of(session, boss) == frozenset()
    assert session_of(database, user_id).grants == ()
    assert session_of(database, boss).reports == frozenset()
    with database.platform_scope() as session:
        accept_offer(session, user_id, only(database, user_id).id, NOW, VISITOR)
    assert session_of(database, user_id).grants == (crew(place),)
    assert session_of(database, boss).reports == {(place.org_id, user_id)}


def test_who_has_only_been_invited_is_nobodys_boss(database: Database, place: Place) -> None:
    user_id, boss = make_user(database), make_user(database, "boss@example.com")
    give(database, boss, crew(place), of_platform())
    with pytest.raises(InvalidInputError):
        give(database, user_id, crew(place), of_platform(), reports_to=boss)


def test_a_circle_of_reports_is_not_closed_by_accepting(database: Database, place: Place) -> None:
    ada, bob = make_user(database), make_user(database, "bob@example.com", crew(place))
    give(database, ada, crew(place), of_platform(), reports_to=bob)
    give(database, ada, Grant("warehouse", place.org_id), Giver(OPERATOR))
    with pytest.raises(ReportingCircleError):
        give(database, bob, crew(place), of_platform(), reports_to=ada)


def test_an_invited_administrator_does_not_make_the_last_one_dispensable(database: Database) -> None:
    last, other = make_user(database, "last@example.com", PLATFORM_ADMIN), make_user(database)
    give(database, other, PLATFORM_ADMIN, of_platform())
    with database.platform_scope() as session, pytest.raises(LastAdministratorError):
        disable_user(session, BOOK, last, "left", OPERATOR, NOW)


def test_accepting_makes_it_count_and_is_recorded_by_name(database: Database, place: Place) -> None:
    user_id = make_user(database)
    held = give(database, user_id, viewer(place), lead_of(place))
    assert [(one.id, one.place, one.role, one.until) for one in offers(database, user_id)] == [
        (held.id, "A client (Acme)", "Workspace viewer", NOW + OPEN_FOR)
    ]
    with database.platform_scope() as session:
        accept_offer(session, user_id, held.id, NOW, Actor("Ada", "implementation_lead", user_id))
        assert grants_of(session, user_id) == (viewer(place),)
        with pytest.raises(InvitationClosedError):
            accept_offer(session, user_id, held.id, NOW, VISITOR)
    assert offers(database, user_id) == []
    (act,) = acts(database, "membership.accepted")
    assert (act.org_id, act.client_id, act.actor, act.role) == (
        place.org_id,
        place.client_id,
        "Ada",
        "workspace_viewer",
    )
    assert (act.target_type, act.target_id) == ("user", str(user_id))
    with database.platform_scope() as session:
        kept = session.get_one(Membership, held.id)
    assert (kept.accepted_at, kept.invited_address) == (NOW, None)


def test_declining_is_told_without_a_name(database: Database, place: Place) -> None:
    user_id = make_user(database)
    held = give(database, user_id, viewer(place), lead_of(place))
    with database.platform_scope() as session:
        decline_offer(session, user_id, held.id, NOW)
        assert session.get(Membership, held.id) is None
    (act,) = acts(database, "membership.declined")
    assert (act.org_id, act.actor_user_id, act.ip, act.target_id) == (place.org_id, None, None, str(held.id))
    assert "Ada" not in act.actor
    assert act.before == {
        "role": "workspace_viewer",
        "client_id": str(place.client_id),
        "reports_to": None,
        "address": "[email a…@….com]",
    }


def test_nobody_answers_for_somebody_else(database: Database, place: Place) -> None:
    user_id, eve = make_user(database), make_user(database, "eve@example.com")
    held = give(database, user_id, viewer(place), lead_of(place))
    with database.platform_scope() as session:
        with pytest.raises(InvitationClosedError):
            accept_offer(session, eve, held.id, NOW, VISITOR)
        with pytest.raises(InvitationClosedError):
            decline_offer(session, eve, held.id, NOW)
        assert accept_shown(session, eve, [held.id, new_id()], NOW, VISITOR) == 0
    assert len(offers(database, user_id)) == 1


def test_an_invitation_runs_out_and_is_renewed_by_inviting_again(database: Database, place: Place) -> None:
    user_id, end = make_user(database), NOW + OPEN_FOR
    held = give(database, user_id, viewer(place), lead_of(place))
    with database.platform_scope() as session:
        assert expire_invitations(session, end - A_MOMENT) == 0
        assert offers_to(session, BOOK, user_id, end) == []
        assert list_invitations(session, Within(), end) == []
        with pytest.raises(InvitationClosedError):
            accept_offer(session, user_id, held.id, end, VISITOR)
    with database.platform_scope() as session:
        again = give_role(session, BOOK, user_id, viewer(place), lead_of(place), end)
        assert (again.id, expire_invitations(session, end + A_MOMENT)) == (held.id, 0)
        assert expire_invitations(session, end + OPEN_FOR) == 1
        assert expire_invitations(session, end + OPEN_FOR) == 0
    (act,) = acts(database, "membership.expired")
    assert (act.org_id, act.actor, act.target_type) == (place.org_id, "gatehouse", "invitation")


def test_a_role_that_counts_does_not_run_out(database: Database, place: Place) -> None:
    user_id = make_user(database, ADA, viewer(place))
    with database.platform_scope() as session:
        assert expire_invitations(session, NOW + 10 * OPEN_FOR) == 0
        assert grants_of(session, user_id) == (viewer(place),)


def test_an_invitation_is_withdrawn_and_nothing_else_that_way(database: Database, place: Place) -> None:
    user_id, member = make_user(database), make_user(database, "member@example.com", viewer(place))
    held = give(database, user_id, viewer(place), boss_of(place))
    beside = give(database, user_id, viewer(place, place.other_client_id), lead_of(place))
    for other in (only(database, member).id, beside.id, new_id()):
        with database.platform_scope() as session, pytest.raises(MembershipNotFoundError):
            withdraw_invitation(session, BOOK, other, boss_of(place))
    with database.platform_scope() as session:
        withdraw_invitation(session, BOOK, held.id, boss_of(place))
    assert [one.id for one in offers(database, user_id)] == [beside.id]
    assert [act.target_type for act in acts(database, "membership.taken")] == ["invitation"]


def test_whose_an_invitation_is_cannot_be_tried_out_by_taking_it(database: Database, place: Place) -> None:
    user_id = make_user(database)
    held = give(database, user_id, viewer(place), lead_of(place))
    for giver in (lead_of(place), boss_of(place)):
        with database.platform_scope() as session, pytest.raises(MembershipNotFoundError):
            take_role(session, BOOK, user_id, held.id, giver)
    with database.platform_scope() as session:
        take_role(session, BOOK, user_id, held.id, of_platform())
    assert offers(database, user_id) == []


def test_inviting_again_while_it_is_withdrawn_makes_a_new_invitation(
    database: Database, database_urls: DatabaseUrls, place: Place
) -> None:
    user_id = make_user(database)
    held = give(database, user_id, viewer(place), lead_of(place))
    with ThreadPoolExecutor(1) as other:
        with database.platform_scope() as session:
            withdraw_invitation(session, BOOK, held.id, lead_of(place))
            again = other.submit(give, database, user_id, viewer(place), lead_of(place))
            until_one_waits(database_urls.superuser)
        new = again.result(timeout=20)
    assert [one.id for one in offers(database, user_id)] == [new.id]
    assert new.id != held.id


def test_who_has_left_an_organization_is_asked_again(database: Database, place: Place) -> None:
    user_id = make_user(database, ADA, viewer(place))
    with database.platform_scope() as session:
        take_role(session, BOOK, user_id, only(database, user_id).id, lead_of(place))
    assert give(database, user_id, viewer(place), lead_of(place)).accepted_at is None


def session_of(database: Database, user_id: UUID) -> FoundSession:
    """Open a session of somebody and return what a request finds."""
    with database.platform_scope() as session:
        standing = standing_of(session.get_one(User, user_id))
        token = open_session(
            session, user_id=user_id, standing=standing, now=NOW, ip=None, user_agent=None, second_factor=False
        )
        found = find_session(session, token, NOW)
    assert found is not None
    return found
