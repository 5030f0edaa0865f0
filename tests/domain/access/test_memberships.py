"""Roles are given within one's own reach alone, in places that exist, in lines that have an end."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from domain.access.administrators import LastAdministratorError
from domain.access.authorize import Box
from domain.access.delegation import ReachesTooFarError
from domain.access.grants import grants_of, reports_of
from domain.access.invitations import Invitation, invite
from domain.access.memberships import (
    Giver,
    MembershipNotFoundError,
    ReportingCircleError,
    RoleUnknownError,
    give_role,
    memberships_of,
    take_role,
)
from domain.access.principal import Grant, Principal
from domain.access.users import disable_user
from domain.access.within import PlaceNotFoundError, Within
from domain.kernel.errors import InvalidInputError
from domain.kernel.ids import PLATFORM_ORG_ID, new_id
from tests.support.people import BOOK, NOW, OPERATOR, PLATFORM_ADMIN, Place, acts, make_place, make_user

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from domain.access.models import Membership
    from domain.kernel.database import Database

pytestmark = pytest.mark.integration
ANYBODY = Giver(OPERATOR)


@pytest.fixture
def place(database: Database) -> Place:
    return make_place(database)


def test_a_role_is_given_once_and_recorded_where_it_counts(database: Database, place: Place) -> None:
    user_id = make_user(database)
    grant = Grant("workspace_admin", place.org_id, place.client_id)
    ids = {give(database, user_id, grant).id for _ in range(2)}
    with database.platform_scope() as session:
        assert grants_of(session, user_id) == (grant,)
    (act,) = acts(database, "membership.given")
    assert (act.org_id, act.client_id, act.target_id) == (place.org_id, place.client_id, str(user_id))
    assert act.after == {"role": "workspace_admin", "client_id": str(place.client_id), "reports_to": None}
    take(database, user_id, ids.pop())
    (taken,) = acts(database, "membership.taken")
    assert taken.before == act.after


def test_two_who_give_the_same_role_at_once_give_one(database: Database, place: Place) -> None:
    user_id = make_user(database)
    grant = Grant("workspace_admin", place.org_id, None)
    with ThreadPoolExecutor(4) as pool:
        ids = set(pool.map(lambda _: give(database, user_id, grant).id, range(4)))
    assert len(ids) == 1
    assert len(acts(database, "membership.given")) == 1


def test_roles_are_given_only_in_places_that_exist(database: Database, place: Place) -> None:
    user_id, elsewhere = make_user(database), make_place(database)
    with pytest.raises(RoleUnknownError):
        give(database, user_id, Grant("emperor", place.org_id))
    for org_id, client_id in ((new_id(), None), (place.org_id, elsewhere.client_id), (place.org_id, new_id())):
        with pytest.raises(PlaceNotFoundError):
            give(database, user_id, Grant("workspace_admin", org_id, client_id))


@pytest.mark.parametrize("role", ["super_admin", "implementation_lead", "customer"])
def test_nobody_gives_or_takes_what_goes_further_than_their_own(database: Database, place: Place, role: str) -> None:
    user_id = make_user(database)
    boss = giver(place, Grant("workspace_admin", place.org_id, place.client_id))
    wanted = Grant(role, place.org_id, place.client_id)
    with pytest.raises(ReachesTooFarError):
        give(database, user_id, wanted, boss)
    held = give(database, user_id, wanted)
    with pytest.raises(ReachesTooFarError):
        take(database, user_id, held.id, boss)
    with database.platform_scope() as session:
        assert grants_of(session, user_id) == (wanted,)


def test_somebody_of_one_client_gives_nothing_for_another_or_for_all(database: Database, place: Place) -> None:
    user_id = make_user(database)
    boss = giver(place, Grant("workspace_admin", place.org_id, place.client_id))
    give(database, user_id, Grant("workspace_viewer", place.org_id, place.client_id), boss)
    elsewhere = make_place(database)
    for org_id, client_id in (
        (place.org_id, place.other_client_id),
        (place.org_id, None),
        (elsewhere.org_id, elsewhere.client_id),
        (PLATFORM_ORG_ID, None),
    ):
        with pytest.raises(PlaceNotFoundError):
            give(database, user_id, Grant("workspace_viewer", org_id, client_id), boss)


def test_somebody_of_one_client_neither_sees_nor_takes_other_roles_of_their_people(
    database: Database, place: Place
) -> None:
    user_id = make_user(database)
    boss = giver(place, Grant("workspace_admin", place.org_id, place.client_id))
    seen = give(database, user_id, Grant("workspace_viewer", place.org_id, place.client_id))
    hidden = give(database, user_id, Grant("workspace_viewer", place.org_id, place.other_client_id))
    with database.platform_scope() as session:
        assert [one.id for one in memberships_of(session, [user_id], boss.within)] == [seen.id]
    with pytest.raises(MembershipNotFoundError):
        take(database, user_id, hidden.id, boss)


def test_nobody_reports_to_themselves_through_others(database: Database, place: Place) -> None:
    ada, grace, mary = make_line(database, place)
    with database.platform_scope() as session:
        assert reports_of(session, ada) == {grace, mary}
        assert reports_of(session, grace, place.org_id) == {mary}
        assert reports_of(session, grace, new_id()) == frozenset()
    for boss in (ada, grace, mary):
        with pytest.raises(ReportingCircleError):
            give(database, ada, crew(place), reports_to=boss)


def test_two_who_make_each_other_their_boss_at_once_close_no_circle(database: Database, place: Place) -> None:
    people = [make_user(database, f"{number}@example.com", crew(place)) for number in range(2)]

    def report(pair: tuple[UUID, UUID]) -> bool:
        try:
            give(database, pair[0], crew(place), reports_to=pair[1])
        except ReportingCircleError:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(report, [(people[0], people[1]), (people[1], people[0])])) == [False, True]


def test_people_report_within_one_organization(database: Database, place: Place) -> None:
    elsewhere = make_place(database)
    boss = make_user(database, "boss@example.com", crew(elsewhere))
    user_id = make_user(database)
    with pytest.raises(InvalidInputError):
        give(database, user_id, crew(place), reports_to=boss)


def test_a_line_of_reports_does_not_lead_through_another_organization(database: Database, place: Place) -> None:
    elsewhere = make_place(database)
    ada, grace, _ = make_line(database, place)
    stranger = make_user(database, "stranger@example.com")
    give(database, grace, crew(elsewhere))
    give(database, stranger, crew(elsewhere), reports_to=grace)
    with database.platform_scope() as session:
        assert stranger not in reports_of(session, ada)


def test_the_last_administrator_keeps_their_role_and_their_account(database: Database) -> None:
    ada = make_user(database, "ada@example.com", PLATFORM_ADMIN)
    grace = make_user(database, "grace@example.com", PLATFORM_ADMIN)
    disable(database, grace)
    with pytest.raises(LastAdministratorError):
        disable(database, ada)
    with pytest.raises(LastAdministratorError):
        take(database, ada, only_role(database, ada))


def test_an_administrator_who_never_came_in_is_nobody_to_leave_the_platform_to(database: Database) -> None:
    ada = make_user(database, "ada@example.com", PLATFORM_ADMIN)
    with database.platform_scope() as session:
        invite(session, BOOK, Invitation("new@example.com", PLATFORM_ADMIN), ANYBODY, NOW)
    with pytest.raises(LastAdministratorError):
        disable(database, ada)
    with pytest.raises(LastAdministratorError):
        take(database, ada, only_role(database, ada))


def test_two_administrators_do_not_shut_each_other_out_at_once(database: Database) -> None:
    people = [make_user(database, f"{number}@example.com", PLATFORM_ADMIN) for number in range(2)]

    def shut_out(user_id: UUID) -> bool:
        try:
            disable(database, user_id)
        except LastAdministratorError:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(shut_out, people)) == [False, True]


def give(
    database: Database, user_id: UUID, grant: Grant, by: Giver = ANYBODY, *, reports_to: UUID | None = None
) -> Membership:
    with database.platform_scope() as session:
        return give_role(session, BOOK, user_id, grant, by, NOW, reports_to=reports_to)


def take(database: Database, user_id: UUID, membership_id: UUID, by: Giver = ANYBODY) -> None:
    with database.platform_scope() as session:
        take_role(session, BOOK, user_id, membership_id, by)


def disable(database: Database, user_id: UUID) -> None:
    with database.platform_scope() as session:
        disable_user(session, BOOK, user_id, "left", OPERATOR, NOW)


def giver(place: Place, *grants: Grant) -> Giver:
    """Return somebody who manages the people of one client."""
    within = Within(place.org_id, frozenset({Box(frozenset({place.client_id}))}))
    return Giver(OPERATOR, within, Principal(kind="user", name="Boss", grants=grants, id=new_id()))


def crew(place: Place) -> Grant:
    return Grant("crew", place.org_id)


def make_line(database: Database, place: Place) -> Sequence[UUID]:
    """Make three people, each of whom reports to the one before."""
    people = [make_user(database, f"{name}@example.com", crew(place)) for name in ("ada", "grace", "mary")]
    for boss, user_id in ((people[0], people[1]), (people[1], people[2])):
        give(database, user_id, crew(place), reports_to=boss)
    return people


def only_role(database: Database, user_id: UUID) -> UUID:
    with database.platform_scope() as session:
        (held,) = memberships_of(session, [user_id], Within())
    return held.id
