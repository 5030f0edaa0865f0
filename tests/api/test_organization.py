"""Which organization a request is about: each source, which goes first, and that none gives more than was given."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from uuid import UUID

import pytest
from fastapi import Request
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.access.organization import resolve
from api.errors import ProblemError
from config.settings import Settings
from domain.access.principal import Grant, Principal
from domain.audit.record import Actor
from domain.kernel.database import Database
from domain.kernel.ids import PLATFORM_ORG_ID, new_id
from domain.tenancy.resolve import ResolvedOrganization
from domain.tenancy.suspend import suspend_organization
from tests.api.conftest import MakeSettings
from tests.domain.clients.rows import add_organization
from tests.support.databases import Databases

pytestmark = pytest.mark.integration

PUBLIC = "https://gatehouse.example"
HOST = "gatehouse.example"


class Town:
    """Two organizations and one that is suspended, and somebody who asks for them."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.acme, self.other, self.closed = (add_organization(database, slug) for slug in ("acme", "other", "closed"))
        with database.platform_scope() as session:
            suspend_organization(session, self.closed, "Closed.", Actor("test", "test"))

    def ask(
        self, settings: Settings, principal: Principal, *headers: tuple[str, str], host: str = HOST
    ) -> ResolvedOrganization | None:
        sent = [("host", host), *headers]
        scope = {
            "type": "http",
            "method": "GET",
            "scheme": "https",
            "path": "/",
            "query_string": b"",
            "server": ("127.0.0.1", 8000),
            "headers": [(name.encode("latin-1"), value.encode("latin-1", "replace")) for name, value in sent],
        }
        return resolve(Request(scope), settings, self.database, principal)


@pytest.fixture(scope="module")
def town(databases: Databases) -> Iterator[Town]:
    with databases.migrated() as urls, closing(Database(urls.app, urls.platform)) as database:
        yield Town(database)


@pytest.fixture
def here(unconnected: MakeSettings) -> Settings:
    return unconnected(public_url=PUBLIC)


def of(*org_ids: UUID, key_of: UUID | None = None) -> Principal:
    return Principal("user", "dana", tuple(Grant("workspace_admin", org_id) for org_id in org_ids), org_id=key_of)


PLATFORM = of(PLATFORM_ORG_ID)


def found(resolved: ResolvedOrganization | None) -> UUID | None:
    return None if resolved is None else resolved.id


def status(town: Town, here: Settings, who: Principal, *headers: tuple[str, str], host: str = HOST) -> tuple[int, str]:
    with pytest.raises(ProblemError) as refused:
        town.ask(here, who, *headers, host=host)
    return refused.value.status, str(refused.value)


def test_each_source_names_an_organization(town: Town, here: Settings, unconnected: MakeSettings) -> None:
    both = of(town.acme, town.other)
    assert found(town.ask(here, both, ("x-org-id", str(town.other)))) == town.other
    assert found(town.ask(here, both, host=f"other.{HOST}")) == town.other
    assert found(town.ask(here, of(town.acme, town.other, key_of=town.other))) == town.other
    assert found(town.ask(here, of(town.acme))) == town.acme
    configured = unconnected(public_url=PUBLIC, default_organization="other")
    assert found(town.ask(configured, both)) == town.other


def test_the_header_goes_before_the_host_before_the_key_before_the_default(
    town: Town, unconnected: MakeSettings
) -> None:
    settings = unconnected(public_url=PUBLIC, default_organization="closed")
    several = of(town.acme, town.other, town.closed, key_of=town.acme)
    assert found(town.ask(settings, several)) == town.acme
    assert found(town.ask(settings, several, host=f"other.{HOST}")) == town.other
    assert found(town.ask(settings, several, ("x-org-id", str(town.closed)), host=f"other.{HOST}")) == town.closed
    assert found(town.ask(settings, of(town.acme, town.other, town.closed))) == town.closed


def test_somebody_of_the_platform_names_one_or_none(town: Town, here: Settings, unconnected: MakeSettings) -> None:
    assert town.ask(here, PLATFORM) is None
    assert town.ask(unconnected(public_url=PUBLIC, default_organization="acme"), PLATFORM) is None
    assert found(town.ask(here, PLATFORM, ("x-org-id", str(town.acme)))) == town.acme
    assert found(town.ask(here, PLATFORM, host=f"acme.{HOST}")) == town.acme
    assert town.ask(here, of(key_of=PLATFORM_ORG_ID)) is None


def test_neither_header_nor_host_lets_anybody_into_what_is_not_theirs_nor_tells_whether_it_exists(
    town: Town, here: Settings
) -> None:
    refusals = {
        status(town, here, of(town.acme), ("x-org-id", str(town.other))),
        status(town, here, of(town.acme), ("x-org-id", str(new_id()))),
        status(town, here, of(town.acme), ("x-org-id", str(PLATFORM_ORG_ID))),
        status(town, here, of(town.acme), host=f"other.{HOST}"),
        status(town, here, of(town.acme), host=f"nobody.{HOST}"),
        status(town, here, of(town.acme, key_of=town.acme), ("x-org-id", str(town.other))),
        status(town, here, of(), ("x-org-id", str(town.other))),
    }
    assert refusals == {(403, "You have no access to that organization.")}


def test_the_platform_is_told_what_does_not_exist(town: Town, here: Settings) -> None:
    for headers, host in (
        ([("x-org-id", str(new_id()))], HOST),
        ([("x-org-id", str(PLATFORM_ORG_ID))], HOST),
        ([], f"nobody.{HOST}"),
    ):
        assert status(town, here, PLATFORM, *headers, host=host) == (404, "There is no such organization.")


def test_a_suspended_organization_is_found_and_said_to_be_suspended(town: Town, here: Settings) -> None:
    resolved = town.ask(here, of(town.closed))
    assert resolved is not None
    assert (resolved.id, resolved.is_active) == (town.closed, False)


@pytest.mark.parametrize(
    "header", ["", " ", "acme", "1", "0193-", "null", "../", "é", "'; DROP TABLE organizations --"]
)
def test_a_header_that_is_no_id_is_refused(town: Town, here: Settings, header: str) -> None:
    for who in (PLATFORM, of(town.acme)):
        assert status(town, here, who, ("x-org-id", header))[0] == 422


def test_a_header_may_be_written_in_capitals_and_twice_alike_but_not_as_two_ids(town: Town, here: Settings) -> None:
    acme = str(town.acme)
    assert found(town.ask(here, PLATFORM, ("x-org-id", acme.upper()))) == town.acme
    assert found(town.ask(here, PLATFORM, ("x-org-id", acme), ("x-org-id", acme))) == town.acme
    assert status(town, here, PLATFORM, ("x-org-id", acme), ("x-org-id", str(town.other)))[0] == 422


@pytest.mark.parametrize(
    "host",
    ["acme.gatehouse.example", "ACME.Gatehouse.Example", "acme.gatehouse.example:8000", "acme.gatehouse.example."],
)
def test_case_port_and_a_final_dot_make_no_other_host(town: Town, here: Settings, host: str) -> None:
    assert found(town.ask(here, PLATFORM, host=host)) == town.acme


@pytest.mark.parametrize(
    "host",
    [
        *("", ".", "..", ":", ":443", "gatehouse.example", "gatehouse.example.", ".gatehouse.example"),
        *("www.gatehouse.example", "api.gatehouse.example", "app.gatehouse.example:443"),
        *("acme.www.gatehouse.example", "acmegatehouse.example", "acme.gatehouse.example.evil.example"),
        *("acme.evil.example", "acme", "127.0.0.1", "[::1]", "[::1]:8000", "[::1", "]", "acme.[gatehouse.example"),
        *("evil@acme.gatehouse.example", "acme.gatehouse.example@evil.example", "acme.gatehouse.example/x"),
        *(
            "acme.gatehouse.example?x",
            "acme.gatehouse.example#x",
            "acme.gatehouse.example\\x",
            "acme.gatehouse.example:x",
        ),
        *("acme .gatehouse.example", "acme.gatehouse.example, other.gatehouse.example", "acme%2egatehouse.example"),
        *("ácme.gatehouse.example", "acme.gatehouse.example:999999", "a" * 300 + ".gatehouse.example.x"),
    ],
)
def test_a_host_that_is_not_just_below_our_own_names_nobody(town: Town, here: Settings, host: str) -> None:
    assert town.ask(here, PLATFORM, host=host) is None
    assert found(town.ask(here, of(town.acme), host=host)) == town.acme


def test_a_forwarded_host_is_not_looked_at(town: Town, here: Settings) -> None:
    assert town.ask(here, PLATFORM, ("x-forwarded-host", f"acme.{HOST}"), ("forwarded", f"host=acme.{HOST}")) is None


def test_our_own_name_may_have_letters_of_another_alphabet(town: Town, unconnected: MakeSettings) -> None:
    settings = unconnected(public_url="https://bücher.example")
    assert found(town.ask(settings, PLATFORM, host="acme.xn--bcher-kva.example")) == town.acme


def test_a_label_that_reads_as_an_id_is_no_id(town: Town, here: Settings) -> None:
    assert status(town, here, PLATFORM, host=f"{town.acme}.{HOST}")[0] == 404


def test_somebody_of_several_is_asked_which_and_never_put_into_one_that_is_not_theirs(
    town: Town, here: Settings, unconnected: MakeSettings
) -> None:
    both = of(town.acme, town.other)
    assert status(town, here, both) == (
        422,
        "You belong to several organizations. Say which, by the header X-Org-Id.",
    )
    elsewhere = unconnected(public_url=PUBLIC, default_organization="closed")
    assert status(town, elsewhere, both)[0] == 403
    assert town.ask(elsewhere, of()) is None


@given(
    host=st.text(st.characters(codec="latin-1"), max_size=60) | st.from_regex(r"[\w.:\[\]@-]{0,40}\.gatehouse\.example")
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200, deadline=None)
def test_no_host_whatever_breaks_or_widens(town: Town, here: Settings, host: str) -> None:
    try:
        named = found(town.ask(here, of(town.acme), host=host))
    except ProblemError as refused:
        named = town.acme if refused.status == 403 else None
    assert named == town.acme
