"""What holds of the decision whatever the roles are: no combination of grants, narrowing and overrides opens a way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from domain.access.authorize import Box, Permission, Reach, Scope, reach
from domain.access.principal import Grant, Principal
from domain.kernel.ids import PLATFORM_ORG_ID

ORGS: Final = (UUID(int=1), UUID(int=2))
CLIENTS: Final = (UUID(int=11), UUID(int=12))
PEOPLE: Final = (UUID(int=21), UUID(int=22), UUID(int=23))
ME: Final = PEOPLE[0]
PERMISSION: Final = "things.see"
ROLES: Final = ("one", "two", "three")


@dataclass(frozen=True)
class Book:
    """What made-up roles say of the one permission."""

    permission: Permission
    scopes: Mapping[str, Scope]

    @property
    def permissions(self) -> Mapping[str, Permission]:
        return {PERMISSION: self.permission}

    def scope_of(self, role: str, permission: str, org_id: UUID) -> Scope | None:  # noqa: ARG002 - of the protocol
        return self.scopes.get(role) if permission == PERMISSION else None


scopes = st.sampled_from(Scope)
books = st.builds(
    Book,
    st.builds(
        Permission, st.just(PERMISSION), st.just("See things"), st.frozensets(scopes, min_size=1), changes=st.booleans()
    ),
    st.dictionaries(st.sampled_from(ROLES), scopes),
)
grants = st.builds(
    Grant,
    st.sampled_from(ROLES),
    st.sampled_from((PLATFORM_ORG_ID, *ORGS)),
    st.one_of(st.none(), st.sampled_from(CLIENTS)),
)
principals = st.builds(
    Principal,
    st.just("user"),
    st.just("Ada"),
    st.lists(grants, max_size=5).map(tuple),
    st.one_of(st.none(), st.just(ME)),
    reports=st.frozensets(st.sampled_from(PEOPLE[1:])),
    read_only=st.booleans(),
)
orgs = st.one_of(st.none(), st.sampled_from(ORGS))
boxes = st.builds(
    Box,
    st.one_of(st.none(), st.frozensets(st.sampled_from(CLIENTS))),
    st.one_of(st.none(), st.frozensets(st.sampled_from(PEOPLE))),
)


def _things(within: Reach | None) -> set[tuple[UUID | None, UUID | None]]:
    """Return all that is within reach in a small world."""
    return {
        (client, owner)
        for client in (None, *CLIENTS)
        for owner in (None, *PEOPLE)
        if within is not None and within.includes(client_id=client, owner_id=owner)
    }


@given(books, principals, orgs)
def test_several_roles_reach_exactly_what_each_of_them_reaches(book: Book, who: Principal, org_id: UUID | None) -> None:
    each = [reach(book, replace(who, grants=(grant,)), PERMISSION, org_id) for grant in who.grants]
    together = reach(book, who, PERMISSION, org_id)
    assert _things(together) == set().union(*(_things(one) for one in each))
    assert (together is None) == all(one is None for one in each)
    assert (together is not None and together.everywhere) == any(one is not None and one.everywhere for one in each)


@given(books, principals, grants, st.integers(0, 5), orgs)
def test_another_role_never_narrows(book: Book, who: Principal, more: Grant, place: int, org_id: UUID | None) -> None:
    before = reach(book, who, PERMISSION, org_id)
    after = reach(book, replace(who, grants=(*who.grants[:place], more, *who.grants[place:])), PERMISSION, org_id)
    assert _things(before) <= _things(after)
    assert before is None or (after is not None and after.covers(before))


@given(books, principals, orgs, st.frozensets(st.sampled_from((PERMISSION, "things.change"))))
def test_narrowing_a_key_never_widens(
    book: Book, who: Principal, org_id: UUID | None, narrowed_to: frozenset[str]
) -> None:
    whole, narrowed = (reach(book, replace(who, permissions=p), PERMISSION, org_id) for p in (None, narrowed_to))
    assert narrowed == (whole if PERMISSION in narrowed_to else None)


@given(books, principals, orgs, st.sampled_from(ROLES), st.one_of(st.none(), scopes))
def test_a_narrower_scope_never_widens(
    book: Book, who: Principal, org_id: UUID | None, role: str, scope: Scope | None
) -> None:
    order = list(Scope)
    before = book.scopes.get(role)
    narrower = None if scope is None or before is None else order[max(order.index(scope), order.index(before))]
    said = {name: one for name, one in book.scopes.items() if name != role}
    narrowed = replace(book, scopes=said if narrower is None else {**said, role: narrower})
    all_scopes = replace(book.permission, scopes=frozenset(Scope))
    wide = reach(replace(book, permission=all_scopes), who, PERMISSION, org_id)
    assert _things(reach(narrowed, who, PERMISSION, org_id)) <= _things(wide)


@given(books, principals, orgs)
def test_who_may_only_look_changes_nothing(book: Book, who: Principal, org_id: UUID | None) -> None:
    looking = reach(book, replace(who, read_only=True), PERMISSION, org_id)
    assert looking is None or not book.permission.changes
    if not book.permission.changes:
        assert looking == reach(book, replace(who, read_only=False), PERMISSION, org_id)


@given(books, principals)
def test_another_organization_is_never_within_reach_but_from_the_platform(book: Book, who: Principal) -> None:
    here, there = ORGS
    elsewhere = replace(who, grants=tuple(grant for grant in who.grants if grant.org_id == there))
    assert reach(book, elsewhere, PERMISSION, here) is None
    assert reach(book, elsewhere, PERMISSION, None) is None
    beyond = reach(book, who, PERMISSION, None)
    assert beyond is None or beyond.everywhere


@given(books, principals, orgs)
def test_a_permission_that_no_file_knows_is_nobodys(book: Book, who: Principal, org_id: UUID | None) -> None:
    assert reach(book, who, "things.unknown", org_id) is None


@given(st.frozensets(boxes, max_size=4))
def test_the_database_is_narrowed_to_no_fewer_clients_than_are_within_reach(found: frozenset[Box]) -> None:
    within = Reach(found)
    clients = within.clients
    assert clients is None or {client for client, _ in _things(within)} <= clients


@given(st.frozensets(boxes, max_size=4), st.frozensets(boxes, max_size=4))
def test_what_covers_another_reaches_all_of_it(wide: frozenset[Box], narrow: frozenset[Box]) -> None:
    if Reach(wide).covers(Reach(narrow)):
        assert _things(Reach(narrow)) <= _things(Reach(wide))
    assert Reach(wide).covers(Reach(wide))
    assert not Reach(wide).covers(Reach(everywhere=True))
