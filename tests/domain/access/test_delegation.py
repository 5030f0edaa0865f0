"""Nobody gives what they don't have."""

from __future__ import annotations

from typing import Final
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.places import CONFIG
from domain.access.authorize import reach
from domain.access.delegation import ReachesTooFarError, require_no_further
from domain.access.principal import Grant, Principal
from domain.access.roles.book import read_roles
from domain.kernel.ids import PLATFORM_ORG_ID

BOOK: Final = read_roles(CONFIG)
HERE, ELSEWHERE = UUID(int=10), UUID(int=11)
CLIENT, OTHER = UUID(int=20), UUID(int=21)
GIVER, MADE = UUID(int=30), UUID(int=31)
roles = st.sampled_from(sorted(BOOK.scopes))
grants = st.builds(
    Grant, roles, st.sampled_from((PLATFORM_ORG_ID, HERE, ELSEWHERE)), st.sampled_from((None, CLIENT, OTHER))
)
scopes = st.none() | st.frozensets(st.sampled_from(sorted(BOOK.permissions)), max_size=5)


def giver(*given_to: Grant, permissions: frozenset[str] | None = None) -> Principal:
    return Principal("user", "giver", given_to, id=GIVER, permissions=permissions)


def made(role: str, org_id: UUID, client_id: UUID | None = None, only: frozenset[str] | None = None) -> Principal:
    return Principal("api_key", "made", (Grant(role, org_id, client_id),), id=MADE, org_id=org_id, permissions=only)


@given(st.lists(grants, max_size=3), roles, st.sampled_from((None, CLIENT, OTHER)), scopes)
def test_what_is_made_can_do_nothing_here_that_its_giver_can_not(
    given_to: list[Grant], role: str, client_id: UUID | None, only: frozenset[str] | None
) -> None:
    source, result = giver(*given_to), made(role, HERE, client_id, only)
    try:
        require_no_further(BOOK, source, result, HERE)
    except ReachesTooFarError:
        return
    for permission in BOOK.permissions:
        its, theirs = reach(BOOK, result, permission, HERE), reach(BOOK, source, permission, HERE)
        if its is None:
            continue
        assert theirs is not None
        for client in (CLIENT, OTHER, None):
            for owner in (None, UUID(int=40)):
                assert not its.includes(client_id=client, owner_id=owner) or theirs.includes(
                    client_id=client, owner_id=owner
                )
        assert theirs.everywhere or not its.everywhere


@pytest.mark.parametrize(
    ("role", "org_id", "client_id"),
    [("super_admin", PLATFORM_ORG_ID, None), ("super_admin", HERE, None), ("workspace_admin", HERE, None)],
)
def test_who_runs_one_client_gives_no_more_than_that(role: str, org_id: UUID, client_id: UUID | None) -> None:
    source = giver(Grant("workspace_admin", HERE, CLIENT))
    with pytest.raises(ReachesTooFarError, match="goes beyond what you have yourself"):
        require_no_further(BOOK, source, made(role, org_id, client_id), org_id)
    with pytest.raises(ReachesTooFarError):
        require_no_further(BOOK, source, made("workspace_viewer", HERE, OTHER), HERE)
    require_no_further(BOOK, source, made("workspace_viewer", HERE, CLIENT), HERE)


def test_a_narrowed_key_makes_no_wider_one() -> None:
    source = giver(Grant("implementation_lead", HERE), permissions=frozenset({"api_keys.change", "leads.view"}))
    with pytest.raises(ReachesTooFarError):
        require_no_further(BOOK, source, made("implementation_lead", HERE), HERE)
    require_no_further(BOOK, source, made("implementation_lead", HERE, only=frozenset({"leads.view"})), HERE)


def test_a_role_over_ones_own_things_can_be_given_as_what_is_made_owns_nothing_yet() -> None:
    require_no_further(BOOK, giver(Grant("customer", HERE)), made("customer", HERE), HERE)
