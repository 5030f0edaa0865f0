"""People through the administration API: everybody sees and touches the people of their own reach alone."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text

from domain.access.principal import Grant
from domain.kernel.database import Database
from domain.kernel.ids import PLATFORM_ORG_ID
from tests.api.conftest import ADMIN_TOKEN
from tests.support.people import PASSWORD as THEIR_PASSWORD
from tests.support.people import make_place, make_user
from tests.support.signing_in import csrf_of, sign_in

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

    import httpx

    from config.settings import Settings
    from tests.support.app_client import AppClient
    from tests.support.people import Place

pytestmark = pytest.mark.integration
PATH = "/api/v1/users"
ADMIN = {"authorization": f"Bearer {ADMIN_TOKEN}"}
BOSS = "boss@example.com"


@pytest.fixture
def database(settings: Settings) -> Iterator[Database]:
    with closing(Database(settings.postgres_url("app"), settings.postgres_url("platform"))) as opened:
        yield opened


@pytest.fixture
def place(database: Database) -> Place:
    return make_place(database)


@pytest.fixture
def boss(client: AppClient, database: Database, place: Place) -> UUID:
    """Sign in with the client's browser as an administrator of one workspace."""
    user_id = make_user(database, BOSS, Grant("workspace_admin", place.org_id, place.client_id), name="Boss")
    assert sign_in(client, BOSS, THEIR_PASSWORD).status_code == 303
    return user_id


def test_inviting_sends_a_letter_and_says_what_was_typed(client: AppClient, database: Database, place: Place) -> None:
    answer = client.post(PATH, headers=ADMIN, json=invitation(place, "New@Example.com", name="New"))
    assert answer.status_code == 201
    made = answer.json()
    assert (made["email"], made["accepted"], made["user_id"]) == ("new@example.com", False, None)
    assert (made["role"], made["client_id"]) == ("workspace_viewer", str(place.client_id))
    assert made.keys().isdisjoint({"name", "state", "second_factor", "last_sign_in_at", "disabled_at"})
    with database.platform_scope() as session:
        assert session.scalars(text("SELECT kind FROM jobs")).all() == ["access.invitation"]
    again = client.post(PATH, headers=ADMIN, json=invitation(place, "new@example.com"))
    assert (again.status_code, again.json()["id"]) == (201, made["id"])


@pytest.mark.usefixtures("boss")
def test_somebody_of_the_organization_has_the_role_at_once(client: AppClient, database: Database, place: Place) -> None:
    member = make_user(database, "m@example.com", Grant("workspace_viewer", place.org_id, place.other_client_id))
    made = change(client, "POST", PATH, invitation(place, "m@example.com")).json()
    assert (made["accepted"], made["user_id"], made["expires_at"]) == (True, str(member), None)
    assert client.get(f"{PATH}/{member}").json()["email"] == "m@example.com"


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"email": "no address"}, 422),
        ({"email": "a@b"}, 422),
        ({"role": "emperor"}, 422),
        ({"name": "x" * 201}, 422),
        ({"name": "bell\x07"}, 422),
        ({"client_id": "00000000-0000-7000-8000-000000000000"}, 404),
        ({"org_id": "00000000-0000-7000-8000-000000000000", "client_id": None}, 404),
        ({"org_id": None}, 422),
        ({"unknown": 1}, 422),
    ],
)
def test_an_invitation_that_makes_no_sense_is_refused(
    client: AppClient, place: Place, changes: dict[str, Any], status: int
) -> None:
    answer = client.post(PATH, headers=ADMIN, json=invitation(place, "new@example.com") | changes)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert client.get(PATH, headers=ADMIN).json()["items"] == []


def test_people_are_found_by_what_is_known_of_them(client: AppClient, database: Database, place: Place) -> None:
    make_user(database, "ada@example.com", Grant("workspace_viewer", place.org_id, place.client_id), name="Ada L.")
    make_user(database, "grace@example.com", Grant("workspace_admin", place.org_id), name="Grace")
    assert client.post(PATH, headers=ADMIN, json=invitation(place, "new@example.com")).status_code == 201

    def found(**params: str) -> list[str]:
        return [one["email"] for one in client.get(PATH, headers=ADMIN, params=params).json()["items"]]

    assert found() == ["ada@example.com", "grace@example.com", "new@example.com"]
    assert found(search="ADA l") == found(search="ada@") == ["ada@example.com"]
    assert found(search="%") == []
    assert found(role="workspace_admin") == ["grace@example.com"]
    assert found(state="invited") == ["new@example.com"]
    assert found(client_id=str(place.client_id)) == ["ada@example.com", "new@example.com"]
    first = client.get(PATH, headers=ADMIN, params={"limit": 2}).json()
    rest = client.get(PATH, headers=ADMIN, params={"limit": 2, "after": first["next"]}).json()
    assert [len(first["items"]), len(rest["items"]), rest["next"]] == [2, 1, None]


@pytest.mark.usefixtures("boss")
def test_what_is_the_persons_own_is_shown_to_the_platform_alone(
    client: AppClient, database: Database, place: Place
) -> None:
    user_id = make_user(database, "ada@example.com", Grant("workspace_viewer", place.org_id, place.client_id))
    client.post(f"{PATH}/{user_id}/disable", headers=ADMIN, json={"reason": "Elsewhere."})
    their_own = ("last_sign_in_at", "disabled_at", "disabled_reason", "created_at")
    seen = client.get(f"{PATH}/{user_id}").json()
    assert (seen["name"], seen["email"], seen["second_factor"], seen["state"]) == (
        "Ada",
        "ada@example.com",
        False,
        "active",
    )
    assert [seen[name] for name in their_own] == [None] * 4
    assert client.get(PATH, params={"state": "disabled"}).json()["items"] == []
    assert change(client, "POST", f"{PATH}/{user_id}/send-reset").status_code == 202
    in_it = ADMIN | {"X-Org-Id": str(place.org_id)}
    assert client.get(f"{PATH}/{user_id}", headers=in_it).json()["disabled_reason"] == "Elsewhere."


@pytest.mark.usefixtures("boss")
def test_an_invitation_is_listed_and_withdrawn_by_whom_it_could_be_made(client: AppClient, place: Place) -> None:
    made = change(client, "POST", PATH, invitation(place, "new@example.com")).json()
    beside = client.post(PATH, headers=ADMIN, json=invitation(place, "b@example.com", client_id=None)).json()
    (listed,) = client.get("/api/v1/invitations").json()["items"]
    assert listed == made
    assert (listed["invited_by"], listed["email"]) == ("Boss", "new@example.com")
    assert change(client, "DELETE", f"/api/v1/invitations/{beside['id']}").status_code == 404
    assert change(client, "DELETE", f"/api/v1/invitations/{made['id']}").status_code == 204
    assert client.get("/api/v1/invitations").json()["items"] == []
    everywhere = client.get("/api/v1/invitations", headers=ADMIN, params={"limit": 1}).json()
    assert [one["email"] for one in everywhere["items"]] == ["b@example.com"]
    more = client.get("/api/v1/invitations", headers=ADMIN, params={"after": everywhere["next"]}).json()
    assert more["items"] == []


@pytest.mark.usefixtures("boss")
def test_somebody_of_one_workspace_sees_its_people_and_their_roles_in_it_alone(
    client: AppClient, database: Database, place: Place
) -> None:
    elsewhere = make_place(database)
    both = (Grant("workspace_viewer", place.org_id, place.client_id), Grant("workspace_admin", elsewhere.org_id))
    mine = make_user(database, "mine@example.com", *both)
    beside = make_user(database, "beside@example.com", Grant("workspace_viewer", place.org_id, place.other_client_id))
    lead = make_user(database, "lead@example.com", Grant("implementation_lead", place.org_id))
    stranger = make_user(database, "stranger@example.com", Grant("workspace_viewer", elsewhere.org_id))
    seen = {one["email"]: one["memberships"] for one in client.get(PATH).json()["items"]}
    assert seen.keys() == {BOSS, "mine@example.com"}
    assert [one["org_id"] for one in seen["mine@example.com"]] == [str(place.org_id)]
    assert client.get(f"{PATH}/{mine}").status_code == 200
    for other in (beside, lead, stranger):
        for method, path in (
            ("GET", ""),
            ("GET", "/memberships"),
            ("POST", "/send-reset"),
            ("POST", "/memberships"),
            ("DELETE", f"/memberships/{other}"),
        ):
            body = {"role": "workspace_viewer", "client_id": str(place.client_id)} if path == "/memberships" else None
            answer = change(client, method, f"{PATH}/{other}{path}", body)
            assert answer.status_code == 404, (method, path)


@pytest.mark.usefixtures("boss")
def test_somebody_of_one_workspace_gives_no_more_than_they_have(client: AppClient, place: Place) -> None:
    def invite(**changes: object) -> int:
        return change(client, "POST", PATH, invitation(place, "new@example.com") | changes).status_code

    assert invite(role="super_admin") == invite(role="implementation_lead") == invite(role="customer") == 403
    assert invite(client_id=None) == invite(client_id=str(place.other_client_id)) == 404
    assert invite(org_id=str(PLATFORM_ORG_ID), client_id=None) == 404
    assert invite() == invite(org_id=None) == invite(role="workspace_admin") == 201


def test_somebody_of_one_workspace_takes_what_they_could_give(
    client: AppClient, database: Database, place: Place, boss: UUID
) -> None:
    user_id = make_user(database, "ada@example.com", Grant("workspace_viewer", place.org_id, place.client_id))
    (held,) = client.get(f"{PATH}/{user_id}/memberships").json()
    assert change(client, "DELETE", f"{PATH}/{user_id}/memberships/{held['id']}").status_code == 204
    assert change(client, "DELETE", f"{PATH}/{user_id}/memberships/{held['id']}").status_code == 404
    assert client.get(f"{PATH}/{user_id}").status_code == 404
    assert change(client, "POST", f"{PATH}/{boss}/disable", {"reason": "why"}).status_code == 403


def test_a_disabled_person_is_signed_out_and_let_in_again_when_enabled(
    client: AppClient, boss: UUID, place: Place
) -> None:
    assert client.get(PATH).status_code == 200
    disabled = client.post(f"{PATH}/{boss}/disable", headers=ADMIN, json={"reason": "On leave."})
    assert (disabled.json()["state"], disabled.json()["disabled_reason"]) == ("disabled", "On leave.")
    assert client.get(PATH).status_code == 401
    assert sign_in(client, BOSS, THEIR_PASSWORD).status_code == 401
    assert client.post(f"{PATH}/{boss}/send-reset", headers=ADMIN).status_code == 409
    assert client.post(PATH, headers=ADMIN, json=invitation(place, BOSS)).status_code == 409
    assert client.post(f"{PATH}/{boss}/enable", headers=ADMIN).json()["state"] == "active"
    assert sign_in(client, BOSS, THEIR_PASSWORD).status_code == 303


def test_somebody_without_a_name_leaves_no_address_in_the_audit_log(
    client: AppClient, database: Database, place: Place
) -> None:
    make_user(database, BOSS, Grant("workspace_admin", place.org_id, place.client_id), name="")
    sign_in(client, BOSS, THEIR_PASSWORD)
    assert change(client, "POST", PATH, invitation(place, "new@example.com")).status_code == 201
    with database.platform_scope() as session:
        kept = session.scalars(text("SELECT to_jsonb(a)::text FROM admin_audit_logs a")).all()
    assert "[email b…@….com]" in kept[-1]
    assert not any("@example.com" in one for one in kept)


def test_a_viewer_changes_nothing(client: AppClient, database: Database, place: Place) -> None:
    viewer = make_user(database, "v@example.com", Grant("workspace_viewer", place.org_id, place.client_id))
    sign_in(client, "v@example.com", THEIR_PASSWORD)
    assert change(client, "POST", PATH, invitation(place, "new@example.com")).status_code == 403
    assert change(client, "POST", f"{PATH}/{viewer}/send-reset").status_code == 403


def invitation(place: Place, email: str, **more: object) -> dict[str, Any]:
    where = {"org_id": str(place.org_id), "client_id": str(place.client_id)}
    return {"email": email, "role": "workspace_viewer", **where, **more}


def change(client: httpx.Client, method: str, path: str, body: object = None) -> httpx.Response:
    """Send what a script of our own pages would."""
    token = {"X-CSRF-Token": csrf_of(client, "/account")} if method != "GET" else {}
    return client.request(method, path, json=body, headers=token)
