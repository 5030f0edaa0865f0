"""Who may do what, written out by hand: a change in a role's file has to be made here as well, on purpose.

Each role is tried with each permission on something of one's own, of somebody who reports to one, of somebody else, of
another client, of another organization, and on what belongs to none.
"""

from __future__ import annotations

from typing import Final, NamedTuple
from uuid import UUID

import pytest

from config.places import CONFIG
from domain.access.authorize import reach
from domain.access.principal import Grant, Principal
from domain.access.roles.book import read_roles
from domain.kernel.ids import PLATFORM_ORG_ID

ROLES: Final = read_roles(CONFIG)
ORG, OTHER_ORG = UUID(int=1), UUID(int=2)
CLIENT, OTHER_CLIENT, FOREIGN_CLIENT = UUID(int=11), UUID(int=12), UUID(int=13)
ME, REPORT, SOMEBODY = UUID(int=21), UUID(int=22), UUID(int=23)

# How each role is given: on the platform, in an organization, or for one client of it.
GIVEN: Final = {
    "super": Grant("super_admin", PLATFORM_ORG_ID),
    "lead": Grant("implementation_lead", ORG),
    "admin": Grant("workspace_admin", ORG, CLIENT),
    "viewer": Grant("workspace_viewer", ORG, CLIENT),
    "customer": Grant("customer", ORG),
    "manager": Grant("manager", ORG),
    "contractor": Grant("contractor", ORG),
    "center": Grant("center", ORG),
    "crew": Grant("crew", ORG),
    "warehouse": Grant("warehouse", ORG),
}
TABLE: Final = """
                         super lead admin  viewer customer manager contractor center crew warehouse
overview.view            all   org  client client own      own     own        own    own  own
organizations.view       all   org  -      -      -        -       -          -      -    -
organizations.create     all   -    -      -      -        -       -          -      -    -
organizations.change     all   org  -      -      -        -       -          -      -    -
organizations.suspend    all   -    -      -      -        -       -          -      -    -
clients.view             all   org  client client -        -       -          -      -    -
clients.create           all   org  -      -      -        -       -          -      -    -
clients.change           all   org  client -      -        -       -          -      -    -
clients.archive          all   -    -      -      -        -       -          -      -    -
clients.go_live          all   org  -      -      -        -       -          -      -    -
clients.view_as          all   -    -      -      -        -       -          -      -    -
billing.change           all   -    -      -      -        -       -          -      -    -
switches.throw           all   org  client -      -        -       -          -      -    -
knowledge.view           all   org  client client -        -       -          -      -    -
knowledge.change         all   org  client -      -        -       -          -      -    -
knowledge.remove         all   org  client -      -        -       -          -      -    -
conversations.view       all   org  client client -        -       -          -      -    -
conversations.reply      all   org  client -      -        -       -          -      -    -
leads.view               all   org  client client -        -       -          -      -    -
deliveries.view          all   org  client client -        -       -          -      -    -
deliveries.resolve       all   org  client -      -        -       -          -      -    -
notifications.view       all   org  client client -        -       -          -      -    -
notifications.test       all   org  client -      -        -       -          -      -    -
suppressions.view        all   org  client client -        -       -          -      -    -
suppressions.remove      all   org  client -      -        -       -          -      -    -
webhooks.view            all   org  -      -      -        -       -          -      -    -
webhooks.change          all   org  -      -      -        -       -          -      -    -
webhooks.remove          all   org  -      -      -        -       -          -      -    -
journeys.view            all   org  client client -        -       -          -      -    -
notices.view             all   org  client client -        -       -          -      -    -
notices.resolve          all   org  client -      -        -       -          -      -    -
queues.view              all   -    -      -      -        -       -          -      -    -
queues.change            all   -    -      -      -        -       -          -      -    -
dead_letters.view        all   -    -      -      -        -       -          -      -    -
dead_letters.requeue     all   -    -      -      -        -       -          -      -    -
dead_letters.edit        all   -    -      -      -        -       -          -      -    -
dead_letters.discard     all   -    -      -      -        -       -          -      -    -
health.view              all   -    -      -      -        -       -          -      -    -
maintenance.run          all   -    -      -      -        -       -          -      -    -
audit.view               all   org  client -      -        -       -          -      -    -
users.view               all   org  client -      -        -       -          -      -    -
users.change             all   org  client -      -        -       -          -      -    -
users.disable            all   -    -      -      -        -       -          -      -    -
api_keys.view            all   org  -      -      -        -       -          -      -    -
api_keys.change          all   org  -      -      -        -       -          -      -    -
api_keys.revoke          all   org  -      -      -        -       -          -      -    -
roles.view               all   org  client -      -        -       -          -      -    -
roles.override           all   org  -      -      -        -       -          -      -    -
flags.view               all   -    -      -      -        -       -          -      -    -
flags.change             all   -    -      -      -        -       -          -      -    -
sandbox.use              all   -    -      -      -        -       -          -      -    -
locations.view           all   org  -      -      own      org     own        org    -    -
onboarding.view          all   org  -      -      own      -       -          -      -    -
onboarding.edit          all   org  -      -      own      -       -          -      -    -
onboarding.submit        all   org  -      -      own      -       -          -      -    -
onboarding.override_lock all   org  -      -      -        -       -          -      -    -
onboarding.approve       all   org  -      -      -        -       -          -      -    -
provisioning.view        all   org  -      -      -        -       -          -      -    -
provisioning.trigger     all   org  -      -      -        -       -          -      -    -
inventory.view           all   -    -      -      -        org     -          org    own  org
inventory.change         all   -    -      -      -        -       -          -      -    org
reports.view             all   -    -      -      -        team    own        org    own  own
reports.submit           all   -    -      -      -        own     own        -      own  -
privacy.export           all   -    client -      -        -       -          -      -    -
privacy.erase            all   -    client -      -        -       -          -      -    -
"""


class Thing(NamedTuple):
    """Something that somebody wants to reach."""

    org_id: UUID | None
    client_id: UUID | None
    owner_id: UUID | None


THINGS: Final = {
    "mine": Thing(ORG, CLIENT, ME),
    "my report's": Thing(ORG, CLIENT, REPORT),
    "somebody's": Thing(ORG, CLIENT, SOMEBODY),
    "mine at another client": Thing(ORG, OTHER_CLIENT, ME),
    "somebody's at another client": Thing(ORG, OTHER_CLIENT, SOMEBODY),
    "mine in another organization": Thing(OTHER_ORG, FOREIGN_CLIENT, ME),
    "nobody's": Thing(None, None, None),
}
_HERE: Final = {"mine", "my report's", "somebody's"}
WITHIN: Final[dict[str, set[str]]] = {
    "all": set(THINGS),
    "org": _HERE | {"mine at another client", "somebody's at another client"},
    "client": _HERE,
    "team": {"mine", "my report's", "mine at another client"},
    "own": {"mine", "mine at another client"},
    "-": set(),
}
# The matrix that customers and implementation leads were promised.
PROMISED: Final = (
    ("view own locations", "locations.view", "mine", True, True),
    ("view all locations", "locations.view", "somebody's", False, True),
    ("edit own onboarding", "onboarding.edit", "mine", True, True),
    ("edit any onboarding", "onboarding.edit", "somebody's", False, True),
    ("override a locked onboarding", "onboarding.override_lock", "mine", False, True),
    ("submit onboarding", "onboarding.submit", "mine", True, True),
    ("approve", "onboarding.approve", "mine", False, True),
    ("view provisioning", "provisioning.view", "mine", False, True),
    ("trigger provisioning", "provisioning.trigger", "mine", False, True),
    ("view audit logs", "audit.view", "mine", False, True),
)


def _table() -> dict[tuple[str, str], str]:
    heading, *lines = [line.split() for line in TABLE.strip().splitlines()]
    assert heading == list(GIVEN)
    return {(role, permission): cell for permission, *cells in lines for role, cell in zip(heading, cells, strict=True)}


CELLS: Final = _table()


def _reaches(role: str, permission: str, thing: Thing) -> bool:
    principal = Principal("user", "Ada", (GIVEN[role],), ME, reports=frozenset({REPORT}))
    within = reach(ROLES, principal, permission, thing.org_id)
    return within is not None and within.includes(client_id=thing.client_id, owner_id=thing.owner_id)


def test_the_table_names_every_role_and_every_permission() -> None:
    assert {grant.role for grant in GIVEN.values()} == set(ROLES.roles)
    assert {permission for _, permission in CELLS} == {
        name for name, permission in ROLES.permissions.items() if not permission.personal
    }


@pytest.mark.parametrize("role", GIVEN)
def test_a_role_reaches_what_the_table_says_and_nothing_else(role: str) -> None:
    found = {
        permission: {what for what, thing in THINGS.items() if _reaches(role, permission, thing)}
        for of, permission in CELLS
        if of == role
    }
    assert found == {permission: WITHIN[cell] for (of, permission), cell in CELLS.items() if of == role}


@pytest.mark.parametrize(("what", "permission", "thing", "customer", "lead"), PROMISED)
def test_customers_and_leads_may_do_what_was_promised(
    what: str,
    permission: str,
    thing: str,
    customer: bool,  # noqa: FBT001 - a column
    lead: bool,  # noqa: FBT001 - as above
) -> None:
    assert (_reaches("customer", permission, THINGS[thing]), _reaches("lead", permission, THINGS[thing])) == (
        customer,
        lead,
    ), what


def test_a_viewer_changes_nothing() -> None:
    changing = [name for name, permission in ROLES.permissions.items() if permission.changes]
    assert len(changing) > 30
    assert not any(_reaches("viewer", name, thing) for name in changing for thing in THINGS.values())


def test_what_a_platform_role_allows_counts_nowhere_else_when_it_is_given_in_an_organization() -> None:
    principal = Principal("user", "Ada", (Grant("super_admin", ORG),), ME)
    for name in ROLES.permissions:
        within = reach(ROLES, principal, name, ORG)
        assert within is None or not within.everywhere
        assert reach(ROLES, principal, name, OTHER_ORG) is None or ROLES.permissions[name].personal
    assert reach(ROLES, principal, "queues.view", ORG) is None


def test_everybody_sees_who_they_are_whatever_their_roles() -> None:
    nobody = Principal("user", "Ada", (), ME)
    narrowed = Principal("api_key", "a key", (), ME, permissions=frozenset({"leads.view"}))
    for principal in (nobody, narrowed):
        within = reach(ROLES, principal, "account.view", None)
        assert within is not None
        assert within.includes(owner_id=ME)
        assert not within.includes(owner_id=SOMEBODY)
