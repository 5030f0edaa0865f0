"""/api/v1/organizations: taken on, renamed, suspended and restored over HTTP, with problems in plain words."""

from __future__ import annotations

from typing import Any

import pytest

from domain.kernel.ids import new_id
from tests.api.conftest import ADMIN_TOKEN
from tests.support.app_client import AppClient

pytestmark = pytest.mark.integration
ADMIN = {"authorization": f"Bearer {ADMIN_TOKEN}"}
PATH = "/api/v1/organizations"


def create(client: AppClient, slug: str, name: str = "Acme") -> dict[str, Any]:
    answer = client.post(PATH, json={"slug": slug, "name": name}, headers=ADMIN)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_an_organization_lives_its_life(client: AppClient) -> None:
    made = create(client, "acme")
    assert (made["status"], made["suspended_reason"]) == ("active", None)
    one = f"{PATH}/{made['id']}"
    assert client.patch(one, json={"name": "Acme Inc."}, headers=ADMIN).json()["name"] == "Acme Inc."
    suspended = client.post(f"{one}/suspend", json={"reason": "Does not answer."}, headers=ADMIN).json()
    assert (suspended["status"], suspended["suspended_reason"]) == ("suspended", "Does not answer.")
    again = client.post(f"{one}/suspend", json={"reason": "Again."}, headers=ADMIN)
    assert (again.status_code, again.json()["detail"]) == (409, "It is suspended already: Does not answer.")
    named = ADMIN | {"x-org-id": made["id"]}
    assert client.get(one, headers=named).json()["status"] == "suspended", "whoever runs the platform still sees it"
    assert client.post(f"{one}/restore", json={"reason": "It answered."}, headers=ADMIN).json()["status"] == "active"


def test_they_are_listed_page_by_page_and_found_by_words(client: AppClient) -> None:
    ids = [create(client, slug, slug.title())["id"] for slug in ("one", "two", "three")]
    first = client.get(PATH, params={"limit": 2}, headers=ADMIN).json()
    rest = client.get(PATH, params={"limit": 2, "after": first["next"]}, headers=ADMIN).json()
    assert [item["id"] for item in first["items"] + rest["items"]] == ids
    assert rest["next"] is None
    found = client.get(PATH, params={"search": "TW", "status": "active"}, headers=ADMIN).json()
    assert [item["slug"] for item in found["items"]] == ["two"]
    of_one = client.get(PATH, headers=ADMIN | {"x-org-id": ids[2]}).json()
    assert [item["id"] for item in of_one["items"]] == ids[2:]


@pytest.mark.parametrize(
    ("document", "status"),
    [
        ({"slug": "acme", "name": "Again"}, 409),
        ({"slug": "www", "name": "Web"}, 422),
        ({"slug": "Acme", "name": "Acme"}, 422),
        ({"slug": "xn--4ca", "name": "Acme"}, 422),
        ({"slug": "new", "name": ""}, 422),
        ({"slug": "new", "name": "a\u0000"}, 422),
        ({"slug": "new"}, 422),
        ({"slug": "new", "name": "New", "status": "active"}, 422),
    ],
)
def test_what_can_t_be_is_refused_in_words(client: AppClient, document: dict[str, Any], status: int) -> None:
    create(client, "acme")
    answer = client.post(PATH, json=document, headers=ADMIN)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert answer.json()["detail"]


def test_what_is_not_there_is_not_found(client: AppClient) -> None:
    for answer in (
        client.get(f"{PATH}/{new_id()}", headers=ADMIN),
        client.patch(f"{PATH}/{new_id()}", json={"name": "A"}, headers=ADMIN),
        client.post(f"{PATH}/{new_id()}/suspend", json={"reason": "No."}, headers=ADMIN),
        client.get(f"{PATH}/00000000-0000-0000-0000-000000000000", headers=ADMIN),
    ):
        assert answer.status_code == 404


def test_nobody_gets_in_without_credentials(client: AppClient) -> None:
    assert client.get(PATH).status_code == 401
    assert client.post(PATH, json={"slug": "acme", "name": "Acme"}).status_code == 401
