"""Every event that can be subscribed to is told of somewhere, and what has no place of its own is told of here."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from domain.audit.record import Actor
from domain.delivery.opt_outs import record_opt_out
from domain.delivery.suppressions import lift
from domain.webhooks.events import SUBSCRIBABLE, EventType
from migrations.seeds.demo import CLIENT_ID, ORGANIZATION_ID
from tests.support.servers import ROOT

if TYPE_CHECKING:
    from uuid import UUID

    from tests.support.webhook_house import House

CONTACT = "+15005550001"


def test_every_type_is_emitted_and_described() -> None:
    files = [path for path in (ROOT / "domain").rglob("*.py") if path.parent.name != "webhooks"]
    code = "\n".join(path.read_text() for path in files)
    guide = Path(ROOT / "docs" / "webhooks.md").read_text()
    assert {one.name for one in SUBSCRIBABLE if f"EventType.{one.name}" not in code} == set()
    assert {one.value for one in EventType if f"`{one.value}`" not in guide} == set()


def opt_out(house: House, source: Any, message_id: UUID | None = None) -> bool:  # noqa: ANN401  # one of its literals
    with house.database.tenant_scope(ORGANIZATION_ID) as session:
        return record_opt_out(
            session,
            org_id=ORGANIZATION_ID,
            client_id=CLIENT_ID,
            channel="sms",
            address=CONTACT,
            source=source,
            message_id=message_id,
        )


@pytest.mark.integration
def test_an_opt_out_is_told_of_once_whoever_reported_it_and_so_is_its_end(house: House) -> None:
    house.endpoint()
    assert opt_out(house, "provider")
    assert not opt_out(house, "operator")
    (event,) = house.events()
    assert event["type"] == "contact.opted_out"
    assert event["payload"] == {"channel": "sms", "address": CONTACT, "source": "provider", "message_id": None}
    (row,) = house.rows("SELECT id FROM opt_outs")
    with house.database.platform_scope() as session:
        lift(session, row["id"], Actor("ada", "operator"), because="They called and asked to be written to.")
    assert [event["type"] for event in house.events()] == ["contact.opted_out", "contact.opted_in"]
    assert house.events()[1]["payload"]["source"] == "operator"
