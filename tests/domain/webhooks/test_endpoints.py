"""An endpoint is named, changed, tested, stopped and deleted, all of it on record and without its secret."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from domain.audit.record import Actor
from domain.kernel.errors import NotFoundError
from domain.kernel.ids import new_id
from domain.webhooks import endpoints
from domain.webhooks.endpoints import CALLS_AT_ONCE, MOST_ENDPOINTS, ROTATION, Changes, NewEndpoint
from domain.webhooks.errors import EndpointNotFoundError, TooManyEndpointsError, UnfitEndpointError
from domain.webhooks.probe import probe_endpoint
from migrations.seeds.demo import CLIENT_ID, ORGANIZATION_ID

if TYPE_CHECKING:
    from tests.support.webhook_house import House, Row
    from tests.support.webhook_receiver import Receiver

pytestmark = pytest.mark.integration
ACTOR = Actor("ada", "operator")
URL = "http://127.0.0.1:8000/in/not-for-the-audit"


def create(
    house: House,
    *,
    url: str = URL,
    events: tuple[str, ...] = ("message.received",),
    org_id: UUID = ORGANIZATION_ID,
    client_id: UUID | None = None,
    description: str = "CRM",
) -> tuple[UUID, str]:
    new = NewEndpoint(org_id, client_id, url, events, description)
    endpoints.limit_calls(house.database)
    with house.database.platform_scope() as session:
        endpoint, secret = endpoints.create_endpoint(session, new, house.means, ACTOR)
        return endpoint.id, secret


def audit(house: House) -> list[Row]:
    return house.rows("SELECT * FROM admin_audit_logs ORDER BY id")


def test_a_new_endpoint_has_a_secret_that_is_stored_sealed(house: House, receiver: Receiver) -> None:
    endpoint_id, secret = create(house, url=receiver.url())
    house.emit()
    house.run()
    receiver.received[0].verified(secret)
    (row,) = house.endpoints()
    assert (row["id"], row["description"], row["events"]) == (endpoint_id, "CRM", ["message.received"])
    stored = json.dumps([house.endpoints(), audit(house)], default=str)
    assert secret not in stored
    assert secret.removeprefix("whsec_") not in stored


def test_the_first_endpoint_of_all_limits_how_many_calls_run_at_once(house: House) -> None:
    create(house)
    limits = house.rows("SELECT kind, max_running FROM queue_limits")
    assert limits == [{"kind": "webhooks.send", "max_running": CALLS_AT_ONCE}]
    house.connection.execute("DELETE FROM queue_limits")
    create(house)
    assert house.rows("SELECT * FROM queue_limits") == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"url": "http://10.0.0.1/"}, "never called"),
        ({"url": "http://user:pass@127.0.0.1/"}, "no user"),
        ({"url": "not a url"}, "characters"),
        ({"events": ("message.sent",)}, "There is no event 'message.sent'. There are: call_back.requested, "),
        ({"events": ("webhook.test",)}, "no event"),
        ({"events": ()}, "at least one event"),
        ({"description": "a" * 201}, "200"),
        ({"description": "a\x00"}, "printable"),
    ],
)
def test_an_endpoint_that_is_not_fit_is_refused_in_words(house: House, change: dict[str, str], words: str) -> None:
    with pytest.raises(UnfitEndpointError, match=words.replace(".", r"\.")):
        create(house, **change)  # type: ignore[arg-type]  # as each case has it
    assert (house.endpoints(), audit(house)) == ([], [])


def test_an_endpoint_needs_an_organization_and_a_client_of_it(house: House) -> None:
    with pytest.raises(NotFoundError, match="no organization"):
        create(house, org_id=new_id())
    other = new_id()
    house.connection.execute("INSERT INTO organizations (id, slug, name) VALUES (%s, 'other', 'Other')", [other])
    with pytest.raises(NotFoundError, match="no client"):
        create(house, org_id=other, client_id=CLIENT_ID)


def test_an_organization_has_so_many_endpoints_and_no_more(house: House) -> None:
    for _ in range(MOST_ENDPOINTS):
        house.endpoint()
    with pytest.raises(TooManyEndpointsError, match="Delete one"):
        create(house)


def test_what_waits_goes_to_the_url_that_was_corrected(house: House, receiver: Receiver) -> None:
    endpoint_id, _ = create(house, url=receiver.url("127.0.0.2", "/typo"))
    house.emit()
    house.run()
    with house.database.platform_scope() as session:
        endpoints.change_endpoint(session, endpoint_id, Changes(url=receiver.url()), house.means, ACTOR)
    house.wait(timedelta(minutes=1))
    house.run()
    assert len(receiver.received) == 1
    with house.database.platform_scope() as session, pytest.raises(UnfitEndpointError):
        endpoints.change_endpoint(session, endpoint_id, Changes(events=[]), house.means, ACTOR)


def test_rotation_leaves_a_day_for_the_receiver_to_follow(house: House, receiver: Receiver) -> None:
    endpoint_id, older = create(house, url=receiver.url())
    with house.database.platform_scope() as session:
        endpoint, secret = endpoints.rotate_secret(session, endpoint_id, house.means, ACTOR)
        assert endpoint.previous_until == house.clock.now() + ROTATION
    assert secret != older
    house.emit()
    house.run()
    receiver.received[0].verified(older)
    receiver.received[0].verified(secret)


def test_who_enables_an_endpoint_begins_anew(house: House) -> None:
    endpoint_id, _ = create(house)
    house.emit()
    with house.database.platform_scope() as session:
        _, cancelled = endpoints.disable_endpoint(session, endpoint_id, "They moved.", house.means, ACTOR)
    assert cancelled == 1
    house.connection.execute(
        "UPDATE webhook_endpoints SET failing_since = now(), failures = 9, held_until = now() + interval '1 day'"
    )
    house.connection.execute(
        "INSERT INTO operator_notices (id, org_id, kind, subject, words) VALUES (%s, %s, 'webhook_disabled', %s, 'w')",
        [new_id(), ORGANIZATION_ID, str(endpoint_id)],
    )
    with house.database.platform_scope() as session:
        endpoints.enable_endpoint(session, endpoint_id, house.means, ACTOR)
    (row,) = house.endpoints()
    assert (row["enabled"], row["failing_since"], row["failures"], row["held_until"]) == (True, None, 0, None)
    assert (row["disabled_at"], row["disabled_because"]) == (None, None)
    assert house.notices() == []
    # What it missed waits for somebody to replay it.
    assert [send["state"] for send in house.sends()] == ["cancelled"]


def test_a_deleted_endpoint_leaves_the_events_and_the_audit(house: House) -> None:
    endpoint_id, _ = create(house)
    house.emit()
    with house.database.platform_scope() as session:
        endpoints.delete_endpoint(session, endpoint_id, ACTOR)
    assert (house.endpoints(), house.sends(), len(house.events())) == ([], [], 1)
    assert [row["action"] for row in audit(house)] == ["webhook_endpoint.create", "webhook_endpoint.delete"]


def test_every_act_is_audited_without_the_receivers_token(house: House, receiver: Receiver) -> None:
    endpoint_id, _ = create(house, url=receiver.url(path="/in/not-for-the-audit"))
    with house.database.platform_scope() as session:
        endpoints.change_endpoint(session, endpoint_id, Changes(description="ERP"), house.means, ACTOR)
        endpoints.rotate_secret(session, endpoint_id, house.means, ACTOR)
        endpoints.disable_endpoint(session, endpoint_id, "Moved.", house.means, ACTOR)
        endpoints.enable_endpoint(session, endpoint_id, house.means, ACTOR)
    probe_endpoint(house.database.platform_scope, endpoint_id, house.means, ACTOR)
    rows = audit(house)
    verbs = ["create", "change", "rotate_secret", "disable", "enable", "test"]
    assert [row["action"] for row in rows] == [f"webhook_endpoint.{verb}" for verb in verbs]
    assert {row["target_id"] for row in rows} == {str(endpoint_id)}
    assert "not-for-the-audit" not in json.dumps(rows, default=str)
    assert rows[1]["before"]["description"] == "CRM"
    assert rows[1]["after"]["description"] == "ERP"


@pytest.mark.parametrize("act", [endpoints.rotate_secret, endpoints.enable_endpoint])
def test_what_is_not_there_cannot_be_acted_on(house: House, act: object) -> None:
    assert callable(act)
    with house.database.platform_scope() as session, pytest.raises(EndpointNotFoundError):
        act(session, new_id(), house.means, ACTOR)
    with pytest.raises(EndpointNotFoundError):
        probe_endpoint(house.database.platform_scope, new_id(), house.means, ACTOR)


def test_a_test_call_tells_what_came_of_it_and_is_on_record(house: House, receiver: Receiver) -> None:
    endpoint_id, secret = create(house, url=receiver.url())
    with house.database.platform_scope() as session:
        endpoints.disable_endpoint(session, endpoint_id, "Not yet.", house.means, ACTOR)
    receiver.will(500)
    failed = probe_endpoint(house.database.platform_scope, endpoint_id, house.means, ACTOR)
    assert (failed.delivered, failed.status, failed.error) == (False, 500, "The receiver answered 500.")
    passed = probe_endpoint(house.database.platform_scope, endpoint_id, house.means, ACTOR)
    assert (passed.delivered, passed.status, passed.error) == (True, 204, None)
    document = receiver.received[1].verified(secret)
    assert document["type"] == "webhook.test"
    assert receiver.received[1].headers["webhook-id"] == str(passed.webhook_id)
    assert [send["state"] for send in house.sends()] == ["failed", "delivered"]
    assert len(house.attempts()) == 2
    # It says nothing about how the endpoint does.
    assert (house.endpoints()[0]["failures"], house.endpoints()[0]["enabled"]) == (0, False)
