"""An operator sees which providers fail for whom."""

from __future__ import annotations

from contextlib import closing

import pytest

from config.settings import Settings
from domain.kernel.ids import new_id
from providers.health.health import SharedHealth
from tests.api.conftest import ADMIN_TOKEN
from tests.support.app_client import AppClient

pytestmark = pytest.mark.integration
BEARER = {"authorization": f"Bearer {ADMIN_TOKEN}"}


def test_an_open_circuit_is_listed_unless_its_provider_is_not_used_any_more(
    settings: Settings, client: AppClient
) -> None:
    client_id = new_id()
    with closing(SharedHealth(settings.redis_url.get_secret_value())) as health:
        for provider in ("sandbox", "twilio"):
            assert health.admit(provider, "AC1", client_id) is None
            health.settle(provider, "AC1", client_id, "refused")
    (circuit,) = client.get("/api/v1/circuits", headers=BEARER).json()["items"]
    assert (circuit["provider"], circuit["client_id"]) == ("sandbox", str(client_id))


def test_strangers_see_none(client: AppClient) -> None:
    assert client.get("/api/v1/circuits").status_code == 401
