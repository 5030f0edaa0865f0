"""An event reaches the endpoints that want it, with the change that it tells of or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

import psycopg
import pytest

from domain.kernel.ids import new_id
from domain.webhooks.emit import emit
from domain.webhooks.events import EventType
from migrations.seeds.demo import CLIENT_ID, ORGANIZATION_ID

if TYPE_CHECKING:
    from tests.support.webhook_house import House

pytestmark = pytest.mark.integration
OTHER_ORG = UUID("00000000-0000-7000-8000-0000000000aa")


def test_without_an_endpoint_nothing_is_stored(house: House) -> None:
    house.emit()
    assert (house.events(), house.sends(), house.jobs()) == ([], [], [])


def test_an_event_is_stored_once_and_sent_to_each_endpoint_that_wants_it(house: House) -> None:
    wanting = [house.endpoint(["message.received", "reply.sent"]), house.endpoint(), house.endpoint()]
    house.endpoint(["lead.captured"])
    correlation_id = new_id()
    house.emit(payload={"text": "My sink leaks", "n": 1}, correlation_id=correlation_id)
    (event,) = house.events()
    assert (event["type"], event["client_id"]) == ("message.received", CLIENT_ID)
    assert (event["payload"], event["correlation_id"]) == ({"text": "My sink leaks", "n": 1}, correlation_id)
    assert {send["endpoint_id"] for send in house.sends()} == set(wanting)
    assert {(send["event_id"], send["state"], send["replay"]) for send in house.sends()} == {
        (event["id"], "pending", 0)
    }
    assert {job["args"]["send_id"] for job in house.jobs()} == {str(send["id"]) for send in house.sends()}
    assert {(job["org_id"], job["correlation_id"]) for job in house.jobs()} == {(ORGANIZATION_ID, correlation_id)}


def test_an_endpoint_of_a_client_is_told_of_that_client_alone(house: House) -> None:
    house.endpoint(client_id=CLIENT_ID)
    house.emit(client_id=CLIENT_ID)
    house.emit(client_id=None)
    assert len(house.events()) == 2
    assert len(house.sends()) == 1


def test_an_event_is_kept_for_replay_while_its_endpoint_is_disabled(house: House) -> None:
    house.endpoint(enabled=False)
    house.emit()
    assert len(house.events()) == 1
    assert (house.sends(), house.jobs()) == ([], [])


def test_endpoints_of_others_are_told_nothing(house: House) -> None:
    house.connection.execute("INSERT INTO organizations (id, slug, name) VALUES (%s, 'other', 'Other')", [OTHER_ORG])
    house.endpoint(org_id=OTHER_ORG)
    house.emit()
    assert house.events() == []
    with house.database.platform_scope() as session:
        emit(session, EventType.DEAD_LETTER_CREATED, {}, org_id=ORGANIZATION_ID)
    assert house.events() == []


def test_a_change_that_is_rolled_back_is_not_told(house: House) -> None:
    house.endpoint()
    with pytest.raises(ZeroDivisionError), house.database.tenant_scope(ORGANIZATION_ID) as session:
        emit(session, EventType.REPLY_SENT, {}, org_id=ORGANIZATION_ID, client_id=CLIENT_ID)
        _ = 1 // 0
    assert (house.events(), house.sends(), house.jobs()) == ([], [], [])


def test_a_payload_that_postgresql_cannot_hold_does_not_break_the_change(house: House) -> None:
    house.endpoint()
    house.emit(
        payload={
            "text": "a\x00b \ud83d c \\u0000",
            "list": ["\x00", None, {"deep": "\udc00"}],
            "n": 1.5,
            "f": float("nan"),
        }
    )
    (event,) = house.events()
    assert event["payload"] == {"text": "ab ? c \\u0000", "list": ["", None, {"deep": "?"}], "n": 1.5, "f": None}


def test_an_endpoint_is_not_deleted_between_being_found_and_being_sent_to(house: House) -> None:
    # One that does not want the event: no send refers to it yet, as is so right after it was found.
    endpoint_id = house.endpoint(["lead.captured"])
    with house.database.tenant_scope(ORGANIZATION_ID) as session:
        emit(session, EventType.REPLY_SENT, {}, org_id=ORGANIZATION_ID, client_id=CLIENT_ID)
        with pytest.raises(psycopg.errors.LockNotAvailable), house.connection.transaction():
            house.connection.execute("SET LOCAL lock_timeout = '50ms'")
            house.connection.execute("DELETE FROM webhook_endpoints WHERE id = %s", [endpoint_id])
