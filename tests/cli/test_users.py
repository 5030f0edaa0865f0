"""`gatehouse users`: the first administrator, and whoever comes after."""

from __future__ import annotations

import io
import json
import re
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from domain.access.sign_in import Accepted, check_password_sign_in
from domain.kernel.database import Database
from tests.support.invitations import invited, lead_of, viewer
from tests.support.people import NOW, OTHER_PASSWORD, PASSWORD, VISITOR, acts, make_place, make_user

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cli.conftest import Environment, Run
    from tests.support.databases import DatabaseUrls
    from tests.support.people import Place

pytestmark = pytest.mark.integration
ADA = "ada@example.com"


@pytest.fixture
def database(database_urls: DatabaseUrls) -> Iterator[Database]:
    with closing(Database(database_urls.app, database_urls.platform)) as opened:
        yield opened


@pytest.fixture
def users(gatehouse: Run, environment: Environment, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run `gatehouse users …`; `typed` is what comes on standard input."""

    def run(*arguments: str, typed: str = "") -> Any:  # noqa: ANN401 - as the fixture that it wraps
        monkeypatch.setattr("sys.stdin", io.StringIO(typed))
        return gatehouse("users", *arguments, settings=environment)

    return run


def test_the_first_administrator_is_made_on_the_server_and_signs_in(users: Run, database: Database) -> None:
    made = users("create", " Ada@Example.com", "--role", "super_admin", "--password-stdin", typed=f"{PASSWORD}\n")
    assert made.status == 0, made.err
    assert isinstance(check_password_sign_in(database, ADA, PASSWORD, NOW, VISITOR), Accepted)
    (shown,) = json.loads(users("list", "--json").out)
    assert (shown["email"], shown["state"], shown["roles"]) == (ADA, "active", "super_admin")
    assert PASSWORD not in made.out + made.err
    assert {act.role for act in acts(database, "user.created")} == {"operator"}


@pytest.mark.parametrize(
    ("arguments", "typed", "words"),
    [
        (("--role", "super_admin", "--password-stdin"), "short", "at least 12 characters"),
        (("--role", "emperor", "--password-stdin"), PASSWORD, "no role 'emperor'"),
        (("--role", "super_admin", "--password-stdin", "--org", "nowhere"), PASSWORD, "no such organization"),
        (("--role", "super_admin"), "", "--password-stdin"),
    ],
)
def test_an_account_that_makes_no_sense_is_not_made(
    users: Run, arguments: tuple[str, ...], typed: str, words: str
) -> None:
    failed = users("create", ADA, *arguments, typed=typed)
    assert (failed.status, words in failed.err) == (1, True), failed.err
    assert json.loads(users("list", "--json").out) == []


def test_the_last_administrator_is_not_disabled(users: Run) -> None:
    users("create", ADA, "--role", "super_admin", "--password-stdin", typed=PASSWORD)
    failed = users("disable", ADA, "--reason", "left")
    assert (failed.status, "last administrator" in failed.err) == (1, True)
    users("create", "grace@example.com", "--role", "super_admin", "--password-stdin", typed=PASSWORD)
    assert users("disable", ADA, "--reason", "left").status == 0
    assert json.loads(users("show", ADA).out)["state"] == "disabled"
    assert users("enable", ADA).status == 0


def test_roles_are_given_and_taken(users: Run, database: Database) -> None:
    place = make_place(database)
    client = ("--org", str(place.org_id), "--client", str(place.client_id))
    assert users("invite", ADA, "--role", "workspace_viewer", *client).status == 0
    assert users("grant", ADA, "--role", "workspace_admin", *client).status == 0
    shown = json.loads(users("show", ADA).out)
    assert shown["state"] == "invited"
    assert [role["role"] for role in shown["roles"]] == ["workspace_viewer", "workspace_admin"]
    assert users("revoke", ADA, shown["roles"][0]["id"]).status == 0
    assert json.loads(users("show", ADA).out)["roles"] == shown["roles"][1:]


def test_what_an_operator_gives_counts_at_once_and_what_others_give_shows_as_an_invitation(
    users: Run, database: Database
) -> None:
    place = make_place(database)
    org = ("--org", str(place.org_id))
    assert users("invite", ADA, "--role", "workspace_viewer", *org).status == 0
    make_user(database, "grace@example.com")
    invited(database, "grace@example.com", viewer(place), lead_of(place))
    shown = {one["email"]: one["roles"] for one in json.loads(users("list", *org, "--json").out)}
    assert shown == {ADA: "workspace_viewer", "grace@example.com": "workspace_viewer (invited)"}
    (given,), (pending,) = (json.loads(users("show", who).out)["roles"] for who in (ADA, "grace@example.com"))
    assert (given["accepted_at"] is not None, pending["accepted_at"]) == (True, None)
    assert users("grant", "grace@example.com", "--role", "workspace_viewer", *org, *_client(place)).status == 0
    assert json.loads(users("show", "grace@example.com").out)["roles"][0]["accepted_at"] is not None


def _client(place: Place) -> tuple[str, str]:
    return ("--client", str(place.client_id))


def test_a_link_to_a_new_password_can_be_handed_over(users: Run, database: Database) -> None:
    users("create", ADA, "--role", "super_admin", "--password-stdin", typed=PASSWORD)
    assert "is on its way" in users("reset-password", ADA).out
    link = users("reset-password", ADA, "--show-link").out
    assert re.fullmatch(r"http://\S+/account/reset/[\w-]{43}\n", link)
    assert len(acts(database, "user.reset_sent")) == 2
    assert "no second factor" in users("remove-second-factor", ADA).out
    assert users("reset-password", "nobody@example.com").status == 1
    assert OTHER_PASSWORD not in link
