"""What somebody is invited to, on their account's page and by the API; and the whole way from letter to pages."""

from __future__ import annotations

import re
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from api.access.organization import CHOOSE
from domain.access.grants import grants_of
from domain.access.memberships import give_role
from domain.access.principal import Grant
from domain.kernel.clock import SystemClock
from domain.kernel.database import Database
from domain.kernel.ids import new_id
from tests.api.conftest import ADMIN_TOKEN
from tests.support.hand_worker import HandWorker
from tests.support.invitations import boss_of, invited, lead_of, letters, viewer
from tests.support.people import BOOK, PASSWORD, SEALER, make_place, make_user
from tests.support.signing_in import csrf_of, sign_in, sign_in_by_token

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

    import httpx

    from config.settings import Settings
    from domain.access.models import Membership
    from tests.support.app_client import AppClient
    from tests.support.people import Place

pytestmark = pytest.mark.integration
ADA = "ada@example.com"
MINE = "/api/v1/account/invitations"
ADMIN = {"authorization": f"Bearer {ADMIN_TOKEN}"}
PAGE = {"Accept": "text/html"}
_MANY = (
    "WITH made AS (INSERT INTO clients (id, org_id, slug, name)"
    " SELECT gen_random_uuid(), :org_id, 'c' || n, 'C' FROM generate_series(1, 104) n RETURNING id)"
    " INSERT INTO memberships (id, org_id, client_id, user_id, role, created_by, invited_address)"
    " SELECT gen_random_uuid(), :org_id, id, :user_id, 'workspace_viewer', 'test', 'new@example.com' FROM made"
)


@pytest.fixture
def database(settings: Settings) -> Iterator[Database]:
    with closing(Database(settings.postgres_url("app"), settings.postgres_url("platform"))) as opened:
        yield opened


@pytest.fixture
def place(database: Database) -> Place:
    return make_place(database)


@pytest.fixture
def ada(client: AppClient, database: Database) -> UUID:
    """Sign in with the client's browser as somebody of no organization."""
    user_id = make_user(database)
    assert sign_in(client, ADA, PASSWORD).status_code == 303
    return user_id


@pytest.fixture
def offer(database: Database, place: Place, ada: UUID) -> Membership:
    del ada
    return invited(database, ADA, viewer(place), lead_of(place), SystemClock().now())


def test_an_invitation_is_listed_with_its_place_and_role_and_opens_nothing(
    client: AppClient, offer: Membership, place: Place
) -> None:
    (listed,) = client.get(MINE).json()["items"]
    assert (listed["id"], listed["place"], listed["role"]) == (str(offer.id), "A client (Acme)", "Workspace viewer")
    assert listed.keys() == {"id", "place", "role", "until"}
    assert client.get("/api/v1/clients", headers={"X-Org-Id": str(place.org_id)}).status_code == 403
    assert client.get("/api/v1/clients").status_code == 403


def test_who_accepts_is_let_in_with_the_next_request(client: AppClient, offer: Membership, place: Place) -> None:
    accepted = change(client, f"{MINE}/{offer.id}/accept")
    assert (accepted.status_code, accepted.json()["accepted"], accepted.json()["org_id"]) == (
        200,
        True,
        str(place.org_id),
    )
    assert [one["id"] for one in client.get("/api/v1/clients").json()["items"]] == [str(place.client_id)]
    assert client.get(MINE).json()["items"] == []
    assert change(client, f"{MINE}/{offer.id}/accept").status_code == 404
    assert change(client, f"{MINE}/{offer.id}/decline").status_code == 404


def test_who_declines_is_not_asked_again(client: AppClient, offer: Membership) -> None:
    assert change(client, f"{MINE}/{offer.id}/decline").status_code == 204
    assert client.get(MINE).json()["items"] == []
    assert change(client, f"{MINE}/{offer.id}/accept").status_code == 404
    assert client.get("/api/v1/clients").status_code == 403


@pytest.mark.usefixtures("offer")
def test_nobody_answers_what_is_somebody_elses(client: AppClient, database: Database, place: Place) -> None:
    make_user(database, "eve@example.com")
    theirs = invited(database, "eve@example.com", viewer(place), lead_of(place), SystemClock().now())
    for answer in ("accept", "decline"):
        said, nobodys = (change(client, f"{MINE}/{one}/{answer}") for one in (theirs.id, new_id()))
        assert (said.status_code, said.json()["detail"]) == (nobodys.status_code, nobodys.json()["detail"])
        assert said.status_code == 404


def test_an_answer_takes_a_token_of_our_pages_and_a_person(client: AppClient, offer: Membership) -> None:
    for path in (f"{MINE}/{offer.id}/accept", f"/account/invitations/{offer.id}/decline"):
        assert client.post(path).status_code == 403
    assert client.get(MINE, headers=ADMIN).status_code == 403
    sign_in_by_token(client, ADMIN_TOKEN)
    assert client.get(MINE).status_code == 404


@pytest.mark.parametrize(("answer", "words"), [("accept", "You accepted."), ("decline", "You declined.")])
def test_the_page_of_the_account_asks(
    client: AppClient, database: Database, ada: UUID, offer: Membership, answer: str, words: str
) -> None:
    shown = client.get("/account", headers=PAGE).text
    assert "Invitation to A client (Acme)" in shown
    assert "Workspace viewer" in shown
    path = f"/account/invitations/{offer.id}/{answer}"
    assert f'formaction="{path}"' in shown
    sent = client.post(path, data={"csrf_token": csrf_of(client, "/account")})
    assert (sent.status_code, "Invitation to" in client.get(sent.headers["location"], headers=PAGE).text) == (
        303,
        False,
    )
    assert words in client.get(sent.headers["location"], headers=PAGE).text
    with database.platform_scope() as session:
        assert bool(grants_of(session, ada)) == (answer == "accept")
    again = client.post(path, data={"csrf_token": csrf_of(client, "/account")})
    assert "is not open any more" in client.get(again.headers["location"], headers=PAGE).text


@pytest.mark.usefixtures("ada")
def test_who_belongs_nowhere_is_led_to_their_account_and_told_so(client: AppClient) -> None:
    led = client.get("/dashboard/journeys", headers=PAGE)
    assert (led.status_code, led.headers["location"]) == (303, "/account")
    assert "You belong to no organization." in client.get("/account", headers=PAGE).text
    assert client.get("/api/v1/clients").status_code == 403


def test_who_has_an_account_goes_from_the_letter_to_the_pages_of_the_second_organization(
    client: AppClient, settings: Settings, database: Database, place: Place
) -> None:
    first = make_place(database)
    make_user(database, ADA, Grant("implementation_lead", first.org_id))
    wanted = {"email": ADA, "role": "implementation_lead", "org_id": str(place.org_id)}
    assert client.post("/api/v1/users", headers=ADMIN, json=wanted).status_code == 201
    with HandWorker(settings) as worker:
        worker.work()
    box = client.get("/dashboard/sandbox/mail", headers=ADMIN).text
    letter = client.get(_first(r'href="(/dashboard/sandbox/mail/[0-9a-f-]{36})"', box), headers=ADMIN).text
    assert "You were invited to Acme as Implementation lead" in letter
    assert _first(r"https?://[^/\s]+(/account)\s", letter) == "/account"

    client.get("/account", headers=PAGE)
    assert sign_in(client, ADA, PASSWORD, next="/account").headers["location"] == "/account"
    path = _first(r'formaction="(/account/invitations/[^"]+/accept)"', client.get("/account", headers=PAGE).text)
    assert len(client.get("/api/v1/clients").json()["items"]) == 2
    client.post(path, data={"csrf_token": csrf_of(client, "/account")})

    assert client.get("/api/v1/clients").status_code == 422
    form = {"organization": str(place.org_id), "next": "/account", "csrf_token": csrf_of(client, CHOOSE)}
    assert client.post(CHOOSE, data=form).headers["location"] == "/account"
    seen = {one["id"] for one in client.get("/api/v1/clients").json()["items"]}
    assert seen == {str(place.client_id), str(place.other_client_id)}


def test_a_new_person_sees_all_who_invite_them_and_chooses(client: AppClient, database: Database, place: Place) -> None:
    evil, now = make_place(database), SystemClock().now()
    (good, bad) = (invited(database, "new@example.com", viewer(one), boss_of(one), now).id for one in (place, evil))
    link = f"/account/invite/{token_of(database)}"
    shown = client.get(link).text
    assert re.findall(r'name="accept" value="([^"]+)"', shown) == [str(good), str(bad)]
    assert shown.count("A client (Acme)") == 2
    assert "checked" not in shown
    form = {"name": "New", "password": PASSWORD, "again": PASSWORD, "csrf_token": csrf_of(client, link)}
    wrong = client.post(link, data=form | {"accept": str(good), "again": "another"})
    assert re.findall(r'name="accept" value="([^"]+)" checked', wrong.text) == [str(good)]
    assert client.post(link, data=form | {"accept": str(good)}).status_code == 200
    assert sign_in(client, "new@example.com", PASSWORD).status_code == 303
    assert [one["id"] for one in client.get("/api/v1/clients").json()["items"]] == [str(place.client_id)]
    assert [one["id"] for one in client.get(MINE).json()["items"]] == [str(bad)]


def test_who_is_invited_to_very_much_accepts_what_the_page_shows_and_finds_the_rest_later(
    client: AppClient, database: Database, place: Place
) -> None:
    first = invited(database, "new@example.com", viewer(place), boss_of(place), SystemClock().now())
    with database.platform_scope() as session:
        session.execute(text(_MANY), {"org_id": place.org_id, "user_id": first.user_id})
    link = f"/account/invite/{token_of(database)}"
    shown = client.get(link).text
    offered = re.findall(r'name="accept" value="([^"]+)"', shown)
    assert (len(offered), "5 more wait there" in shown) == (100, True)
    form = {"name": "New", "password": PASSWORD, "again": PASSWORD, "csrf_token": csrf_of(client, link)}
    assert client.post(link, data=form | {"accept": offered}).status_code == 200
    assert sign_in(client, "new@example.com", PASSWORD).status_code == 303
    assert len(client.get(MINE).json()["items"]) == 5


def test_an_only_invitation_is_accepted_with_the_password_and_not_what_came_after_it_was_shown(
    client: AppClient, database: Database, place: Place
) -> None:
    now = SystemClock().now()
    only = invited(database, "new@example.com", viewer(place), boss_of(place), now)
    link = f"/account/invite/{token_of(database)}"
    (accept,) = re.findall(r'<input type="hidden" name="accept" value="([^"]+)"', client.get(link).text)
    assert accept == str(only.id)
    later = viewer(place, place.other_client_id)
    with database.platform_scope() as session:
        give_role(session, BOOK, only.user_id, later, lead_of(place), now)  # Without a letter, which voids the link.
    form = {"name": "New", "password": PASSWORD, "again": PASSWORD, "accept": accept}
    client.post(link, data=form | {"csrf_token": csrf_of(client, link)})
    with database.platform_scope() as session:
        assert grants_of(session, only.user_id) == (viewer(place),)


def token_of(database: Database) -> str:
    """Return the token of the latest letter."""
    return SEALER.unseal(letters(database)[-1].sealed_token or "")


def change(client: httpx.Client, path: str) -> httpx.Response:
    """Send what a script of our own pages would."""
    return client.post(path, headers={"X-CSRF-Token": csrf_of(client, "/account")})


def _first(pattern: str, text: str) -> str:
    found = re.search(pattern, text)
    assert found, pattern
    return found.group(1)
