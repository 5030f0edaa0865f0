"""What arrives while an organization is suspended is kept and not answered; afterwards its customers are again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from domain.audit.record import Actor
from domain.tenancy.suspend import restore_organization, suspend_organization
from migrations.seeds.demo import ORGANIZATION_ID

if TYPE_CHECKING:
    from tests.domain.conversations.conftest import House

pytestmark = pytest.mark.integration
DANA: Final = Actor("dana", "super_admin")


def test_a_customer_s_text_is_kept_unanswered_and_the_next_one_after_the_restoration_is_answered(house: House) -> None:
    house.prefer_no_alerts()
    with house.database.platform_scope() as session:
        suspend_organization(session, ORGANIZATION_ID, "Does not answer.", DANA)
    house.handle(house.receive("Do you clean drains?"))
    assert [row["body"] for row in house.rows("SELECT body FROM messages WHERE processed_at IS NOT NULL")] == [
        "Do you clean drains?"
    ]
    assert (house.replies(), house.deliveries()) == ([], [])
    (decision,) = house.rows("SELECT * FROM guard_logs WHERE NOT allowed")
    assert (decision["guard"], decision["block"]) == ("organization_active", "hard")

    with house.database.platform_scope() as session:
        restore_organization(session, ORGANIZATION_ID, "It did.", DANA)
    house.handle(house.receive("Are you there?"))
    assert len(house.replies()) == len(house.deliveries()) == 1
