"""The pages of people and roles: who has access, who is invited to it, given and taken."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import psycopg
import pytest

from migrations.seeds import apply
from migrations.seeds.demo import CLIENT_ID, ORGANIZATION_ID
from migrations.seeds.test import TENANT as OTHER
from tests.support.demo_pages import choose, enter, enter_as_platform, enter_demo, post, see, stored
from tests.support.signing_in import add_person, sign_in

if TYPE_CHECKING:
    from uuid import UUID

    from tests.support.app_client import AppClient
    from tests.support.databases import DatabaseUrls

pytestmark = pytest.mark.integration
USERS, KEYS, ROLES = "/dashboard/users", "/dashboard/keys", "/dashboard/roles"
WAITING = f"{USERS}/waiting"
_HELD = b"SELECT role, accepted_at IS NOT NULL FROM memberships WHERE user_id = %s ORDER BY id"


@pytest.fixture
def urls(database_urls: DatabaseUrls, client: AppClient) -> DatabaseUrls:
    """Give a database with an organization, whose administrator signed in."""
    enter_demo(client, database_urls)
    return database_urls


def _held(urls: DatabaseUrls, user_id: UUID) -> list[tuple[object, ...]]:
    with psycopg.connect(urls.superuser) as connection:
        return connection.execute(_HELD, [user_id]).fetchall()


def test_people_are_listed_narrowed_and_shown(client: AppClient, urls: DatabaseUrls) -> None:
    bob = add_person(urls.platform, "bob@example.com", ("workspace_viewer", ORGANIZATION_ID, CLIENT_ID), name="Bob")
    page = see(client, USERS)
    assert "Ann" in page
    assert "Bob" in page
    assert "Bob" not in see(client, USERS, role="implementation_lead")
    assert "Nobody fits" in see(client, USERS, search="nobody")
    person = see(client, f"{USERS}/{bob}")
    assert "Harbor Plumbing, of" in person
    assert "Signed in last" not in person


def test_somebody_is_invited_and_waits_for_their_own_word(client: AppClient, urls: DatabaseUrls) -> None:
    answer = post(client, USERS, USERS, email="new@example.com", role="workspace_viewer", client=str(CLIENT_ID))
    assert answer.status_code == 303, answer.text
    assert "new@example.com is invited" in see(client, USERS)
    with psycopg.connect(urls.superuser) as connection:
        pending = connection.execute("SELECT count(*) FROM memberships WHERE accepted_at IS NULL").fetchone()
    assert pending == (1,)
    assert post(client, USERS, USERS, email="x", role="No Role").status_code == 422


def test_a_role_is_given_and_taken(client: AppClient, urls: DatabaseUrls) -> None:
    bob = add_person(urls.platform, "bob@example.com", ("workspace_viewer", ORGANIZATION_ID, CLIENT_ID), name="Bob")
    path = f"{USERS}/{bob}"
    assert post(client, f"{path}/roles", path, role="implementation_lead").status_code == 303
    assert _held(urls, bob) == [("workspace_viewer", True), ("implementation_lead", True)]
    taken = re.findall(r'action="([^"]+/take)"', see(client, path))
    assert len(taken) == 2
    assert post(client, taken[0], path).status_code == 303
    assert _held(urls, bob) == [("implementation_lead", True)]


def test_nobody_gives_more_than_they_have(client: AppClient, urls: DatabaseUrls) -> None:
    bob = add_person(urls.platform, "bob@example.com", ("workspace_viewer", ORGANIZATION_ID, CLIENT_ID), name="Bob")
    path = f"{USERS}/{bob}"
    assert post(client, f"{path}/roles", path, role="super_admin").status_code == 403
    assert _held(urls, bob) == [("workspace_viewer", True)]
    assert "/disable" not in see(client, path)
    assert post(client, f"{path}/disable", path, reason="x").status_code == 403


def test_the_platform_lets_somebody_in_no_more_and_again(client: AppClient, urls: DatabaseUrls) -> None:
    bob = add_person(urls.platform, "bob@example.com", ("workspace_viewer", ORGANIZATION_ID, CLIENT_ID), name="Bob")
    enter_as_platform(client, urls)
    path = f"{USERS}/{bob}"
    assert post(client, f"{path}/disable", path, reason="Left the company").status_code == 303
    page = see(client, path)
    assert "Left the company" in page
    assert "Let them in again?" in page
    assert post(client, f"{path}/enable", path).status_code == 303
    assert "Left the company" not in see(client, path)


def test_nothing_is_given_in_an_organization_that_was_chosen_after_the_form_was_drawn(
    client: AppClient, urls: DatabaseUrls
) -> None:
    apply(urls.platform, "test")
    roles = [("workspace_viewer", one, None) for one in (ORGANIZATION_ID, OTHER.organization_id)]
    bob = add_person(urls.platform, "bob@example.com", *roles)
    path = f"{USERS}/{bob}"
    enter_as_platform(client, urls)
    choose(client, ORGANIZATION_ID)
    for page in (USERS, path, KEYS):
        assert f'name="org" value="{ORGANIZATION_ID}"' in see(client, page)
    assert "Give a role in Harbor" in see(client, path)
    choose(client, OTHER.organization_id)
    before = stored(urls, "memberships"), stored(urls, "api_keys")
    forms = {
        USERS: {"email": "new@example.com", "role": "workspace_viewer"},
        f"{path}/roles": {"role": "implementation_lead"},
        KEYS: {"name": "Till", "role": "workspace_viewer"},
    }
    for action, fields in forms.items():
        answer = post(client, action, USERS, **fields)
        assert answer.status_code == 409, action
        assert "another organization was chosen" in answer.text
        assert post(client, action, USERS, org="", **fields).status_code == 409
    assert (stored(urls, "memberships"), stored(urls, "api_keys")) == before
    assert post(client, USERS, USERS, org=str(OTHER.organization_id), **forms[USERS]).status_code == 303


def test_an_invitation_that_waits_says_by_whose_word_and_is_withdrawn(client: AppClient, urls: DatabaseUrls) -> None:
    assert "Waiting" not in see(client, USERS)
    assert "Nobody is invited at present" in see(client, WAITING)
    post(client, USERS, USERS, email="new@example.com", role="workspace_viewer", client=str(CLIENT_ID))
    see(client, USERS)  # That says that the invitation was sent.
    for page in (USERS, WAITING):
        shown = see(client, page)
        for words in ("new@example.com", "Workspace viewer", "Harbor Plumbing, of", "ann@example.com"):
            assert words in shown, words
    bob = add_person(urls.platform, "bob@example.com", ("workspace_viewer", ORGANIZATION_ID, CLIENT_ID), name="Bob")
    assert f'href="{WAITING}"' in see(client, f"{USERS}/{bob}")
    action = re.search(rf'action="({USERS}/invitations/[^"]+/withdraw)"', see(client, USERS))
    assert action
    assert post(client, action[1], USERS).status_code == 303
    assert "Withdrawn" in see(client, WAITING)
    assert "new@example.com" not in see(client, WAITING)
    assert post(client, action[1], USERS).status_code == 404


def test_who_manages_one_client_sees_and_withdraws_its_invitations_alone(client: AppClient, urls: DatabaseUrls) -> None:
    sent = {"email": "lead@example.com", "role": "implementation_lead"}
    assert post(client, USERS, USERS, **sent).status_code == 303
    action = re.search(rf'action="({USERS}/invitations/[^"]+/withdraw)"', see(client, USERS))
    assert action
    enter(client, urls, "boss@example.com", "workspace_admin", CLIENT_ID)
    page = see(client, USERS)
    assert "lead@example.com" not in page
    assert '<option value="">All of' not in page
    assert f'<option value="{CLIENT_ID}">' in page
    assert post(client, action[1], USERS).status_code == 404
    assert post(client, USERS, USERS, email="x@example.com", role="workspace_viewer", client=str(CLIENT_ID)).is_redirect
    assert "x@example.com" in see(client, WAITING)


def test_roles_are_shown_with_how_far_they_go(client: AppClient, urls: DatabaseUrls) -> None:
    del urls
    page = see(client, ROLES)
    assert "Workspace viewer" in page
    assert "Throw a client&#39;s kill switches" in page


@pytest.mark.parametrize("path", [USERS, KEYS, ROLES])
def test_who_manages_nobody_sees_none_of_it(client: AppClient, urls: DatabaseUrls, path: str) -> None:
    add_person(urls.platform, "vi@example.com", ("workspace_viewer", ORGANIZATION_ID, CLIENT_ID))
    client.cookies.clear()
    sign_in(client, "vi@example.com")
    see(client, path, 403)
