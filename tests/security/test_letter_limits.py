"""What one may have written to others is nobody else's to use up."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Final

import pytest

from api.app import create_app
from domain.access.principal import Grant
from domain.kernel.database import Database
from tests.support.app_client import AppClient
from tests.support.app_settings import ADMIN_TOKEN
from tests.support.people import PASSWORD, make_place, make_user
from tests.support.signing_in import csrf_of, sign_in

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
