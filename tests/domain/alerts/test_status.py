"""What is said of an owner's alerts, tests of them, and notices that go away by themselves."""

from __future__ import annotations

import pytest

from domain.alerts.policy import NOT_ALERTED
from domain.alerts.status import AlertStatus, alert_status, channels_past, recheck
from domain.alerts.trial import CannotTestError, Trial, request_trial, verdicts
from domain.audit.record import Actor
from domain.kernel.errors import NotFoundError
from domain.kernel.ids import new_id
from migrations.seeds.demo import CLIENT_ID, ORGANIZATION_ID
from tests.domain.alerts.conftest import Office

pytestmark = pytest.mark.integration
DANA = Actor("dana", "operator")


def _status(office: Office) -> AlertStatus:
    with office.database.tenant_scope(ORGANIZATION_ID) as session:
        return alert_status(session, CLIENT_ID, now=office.clock.now())


def _try(office: Office) -> Trial | CannotTestError:
    with office.database.tenant_scope(ORGANIZATION_ID) as session:
        return request_trial(session, CLIENT_ID, DANA, now=office.clock.now())


def _end(office: Office, state: str, error: str | None = None) -> None:
    office.connection.execute("UPDATE deliveries SET state = %s, error_text = %s", [state, error])


@pytest.mark.parametrize(
    "trouble",
    [
        "UPDATE clients SET notifications_paused = true",
        "UPDATE clients SET outbound_paused = true",
        "UPDATE organizations SET status = 'suspended'",
        "UPDATE client_settings SET notification_channel = 'none'",
        "UPDATE clients SET owner_phone = NULL, owner_email = NULL",
        "INSERT INTO opt_outs (id, org_id, client_id, channel, address, source)"
        " SELECT gen_random_uuid(), org_id, id, unnest('{sms,email}'::text[]),"
        " unnest(ARRAY[owner_phone, owner_email]), 'keyword' FROM clients",
        "WITH muted AS (UPDATE clients SET owner_email = NULL RETURNING *)"
        " INSERT INTO sender_flags (id, org_id, client_id, sender, reason)"
        " SELECT gen_random_uuid(), org_id, id, sms_number, 'x' FROM muted",
    ],
)
def test_whatever_keeps_alerts_from_the_owner_is_said_and_what_to_do(office: Office, trouble: str) -> None:
    assert _status(office).reachable
    office.connection.execute(trouble)

    status = _status(office)
    assert not status.reachable
    assert status.words.startswith(f"{NOT_ALERTED} ")
    assert len(status.words) > len(NOT_ALERTED) + 20


def test_an_address_that_failed_is_said_until_it_works_or_is_another(office: Office) -> None:
    office.throw("owner_email = NULL")
    office.raise_one()
    _end(office, "undelivered", "The number does not exist.")
    assert not _status(office).reachable
    with office.database.tenant_scope(ORGANIZATION_ID) as session:
        past = channels_past(session, CLIENT_ID)["sms"]
    assert past.last_failure == "The number does not exist."
    assert past.last_success_at is None

    _end(office, "delivered")
    assert _status(office).reachable
    _end(office, "failed")
    office.throw("owner_phone = '+15005550099'")
    assert _status(office).reachable


def test_notices_go_when_the_owner_can_be_reached_again(office: Office) -> None:
    office.throw("notifications_paused = true")
    office.raise_one()
    with office.database.platform_scope() as session:
        assert recheck(session, now=office.clock.now()) == 0
    assert len(office.notices()) == 1

    office.throw("notifications_paused = false")
    with office.database.platform_scope() as session:
        assert recheck(session, now=office.clock.now()) == 1
    assert office.notices() == []


def test_asking_for_the_status_leaves_no_trace(office: Office) -> None:
    office.throw("notifications_paused = true")
    _status(office)
    assert office.rows("SELECT FROM guard_logs") == office.notices() == []


@pytest.mark.parametrize(
    ("state", "works", "words"),
    [
        ("pending", None, "It still waits to be sent."),
        ("unknown", None, "being looked up"),
        ("accepted", True, "The provider has taken it."),
        ("delivered", True, "It has arrived."),
        ("failed", False, "It failed. The number does not exist."),
        ("cancelled", False, "It was stopped."),
    ],
)
def test_a_test_says_what_became_of_it(office: Office, state: str, works: bool | None, words: str) -> None:  # noqa: FBT001
    trial = _try(office)
    assert isinstance(trial, Trial)
    _end(office, state, "The number does not exist." if state == "failed" else None)
    with office.database.tenant_scope(ORGANIZATION_ID) as session:
        (verdict,) = verdicts(session, trial.delivery_ids)
    assert verdict.works is works
    assert words in verdict.words


def test_a_test_names_the_channel_that_can_carry_none(office: Office) -> None:
    office.prefer("notification_channel = 'both'")
    office.throw("owner_phone = NULL")
    trial = _try(office)

    assert isinstance(trial, Trial)
    assert trial.not_sent == {"sms": "No mobile number of the owner is set. Set the owner's mobile number."}
    assert office.channels() == ["email"]
    (act,) = office.rows("SELECT * FROM admin_audit_logs")
    assert (act["action"], act["actor"], act["client_id"]) == ("notifications.test", "dana", CLIENT_ID)


def test_a_test_is_not_gathered_with_alerts(office: Office) -> None:
    office.raise_one()
    assert isinstance(_try(office), Trial)
    assert [text["purpose"] for text in office.texts()] == ["owner_alert", "test"]


def test_an_unknown_client_is_not_found(office: Office) -> None:
    with pytest.raises(NotFoundError), office.database.tenant_scope(ORGANIZATION_ID) as session:
        alert_status(session, new_id(), now=office.clock.now())
