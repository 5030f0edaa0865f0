"""What one may have written to others, and to oneself, is nobody else's to use up."""

from __future__ import annotations

import re
from contextlib import closing
from typing import TYPE_CHECKING, Final

import pytest

from api.app import create_app
from domain.access.principal import Grant
from domain.kernel.database import Database
from tests.support.app_client import AppClient
from tests.support.app_settings import ADMIN_TOKEN
from tests.support.people import PASSWORD, make_place, make_user
from tests.support.signing_in import PASSWORD as THEIRS
from tests.support.signing_in import add_person, csrf_of, sign_in

if TYPE_CHECKING:
    from config.settings import Settings
    from tests.support.databases import DatabaseUrls
    from tests.support.people import Place

pytestmark = pytest.mark.integration
ADMIN: Final = {"Authorization": f"Bearer {ADMIN_TOKEN}"}


def limited(settings: Settings) -> AppClient:
    """Return an application that has two letters written where others have five."""
    rates = settings.rates.model_copy(update={"letters": 2})
    return AppClient(create_app(settings.model_copy(update={"rates": rates})))


def test_what_one_organization_has_written_keeps_no_other_from_inviting(
    settings: Settings, database_urls: DatabaseUrls
) -> None:
    with (
        closing(Database(database_urls.app, database_urls.platform)) as database,
        limited(settings) as one,
        limited(settings) as other,
    ):
        places = [make_place(database) for _ in range(2)]
        for number, (client, place) in enumerate(zip((one, other), places, strict=True)):
            make_user(database, f"{number}@acme.example", Grant("implementation_lead", place.org_id))
            assert sign_in(client, f"{number}@acme.example", PASSWORD).status_code == 303

        def invite(client: AppClient, place: Place) -> int:
            wanted = {"email": "a@example.com", "role": "workspace_viewer", "client_id": str(place.client_id)}
            token = {"X-CSRF-Token": csrf_of(client, "/account")}
            return client.post("/api/v1/users", json=wanted, headers=token).status_code

        assert [invite(one, places[0]) for _ in range(3)] == [201, 201, 429]
        assert invite(other, places[1]) == 201
        for place in places:
            wanted = {"email": "a@example.com", "role": "workspace_viewer", "org_id": str(place.org_id)}
            by_platform = one.post("/api/v1/users", json=wanted, headers=ADMIN | {"X-Org-Id": str(place.org_id)})
            assert by_platform.status_code == 201


def test_nobody_uses_up_the_letters_of_another_person_by_naming_their_address(
    settings: Settings, database_urls: DatabaseUrls
) -> None:
    behind = settings.model_copy(update={"trusted_proxy_hops": 1})
    add_person(database_urls.platform, "eve@example.com")
    with limited(behind) as client:

        def send(path: str, page: str, caller: int, **form: str) -> int:
            seen = {"X-Forwarded-For": f"198.51.100.{caller}"}
            found = re.search(r'name="csrf_token" value="([^"]+)"', client.get(page, headers=seen).text)
            assert found is not None
            return client.post(path, data=form | {"csrf_token": found[1]}, headers=seen).status_code

        def rename(caller: int) -> int:
            wanted = {"email": "ann@example.com", "password": "not eve's own"}
            return send("/account/address", "/account", caller, **wanted)

        assert send("/sign-in", "/sign-in", 1, email="eve@example.com", password=THEIRS) == 303
        assert [rename(caller) for caller in (2, 3, 4)] == [422, 422, 429]
        client.cookies.clear()
        asked = [send("/account/reset", "/account/reset", caller, email="ann@example.com") for caller in (5, 6, 7)]
        assert asked == [200, 200, 429]
