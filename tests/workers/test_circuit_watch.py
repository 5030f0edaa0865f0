"""The scheduler tells of circuits of the providers that are used, and of no others."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from domain.delivery.circuit_notices import TOLD_AFTER, tell_of_circuits
from domain.kernel.database import Database
from domain.notices.raising import open_notices
from migrations.seeds import apply
from migrations.seeds.demo import CLIENT_ID
from providers.health.health import SharedHealth
from workers.circuit_watch import CircuitWatch

if TYPE_CHECKING:
    from tests.support.databases import DatabaseUrls

pytestmark = pytest.mark.integration


@pytest.mark.parametrize(("in_use", "told"), [({"twilio", "ses"}, 1), ({"sandbox"}, 0)])
def test_the_notice_of_a_circuit_goes_when_another_provider_was_chosen(
    database_urls: DatabaseUrls, redis_url: str, in_use: set[str], told: int
) -> None:
    apply(database_urls.platform, "demo")
    with (
        closing(Database(database_urls.app, database_urls.platform)) as database,
        closing(SharedHealth(redis_url)) as health,
    ):
        assert health.admit("twilio", "AC1", CLIENT_ID) is None
        health.settle("twilio", "AC1", CLIENT_ID, "refused")
        with database.platform_scope() as session:
            tell_of_circuits(session, {("twilio", CLIENT_ID): 0.0}, TOLD_AFTER)
            assert len(open_notices(session)) == 1
        CircuitWatch(database, health, in_use).tick(tell=True)
        with database.platform_scope() as session:
            assert len(open_notices(session)) == told
