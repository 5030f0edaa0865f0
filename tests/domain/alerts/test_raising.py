"""What an owner hears of, when, and how often."""

from __future__ import annotations

import tracemalloc
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from domain.alerts.digest import resume_digests
from domain.alerts.raising import Alert, AlertKind, raise_alert
from domain.queue.outcome import Cancel, Done
from migrations.seeds.demo import CLIENT_ID, ORGANIZATION_ID, OWNER_PHONE
from tests.domain.alerts.conftest import Office
from tests.support.eventually import eventually

pytestmark = pytest.mark.integration


def test_the_first_alert_leaves_at_once_and_says_whose_it_is(office: Office) -> None:
    office.raise_one(AlertKind.CALL_BACK, "message:abcd")

    (text,) = office.texts()
    assert (text["purpose"], text["channel"], text["to_address"]) == ("owner_alert", "sms", OWNER_PHONE)
    assert text["body"] == "Harbor Plumbing: Call-back wanted. It was about abcd. Please call them back."
    (alert,) = office.alerts()
    assert (alert["state"], alert["delivery_ids"]) == ("sent", [text["id"]])


def test_two_hundred_failures_at_once_are_two_messages(office: Office) -> None:
    with ThreadPoolExecutor(12) as pool:
        list(pool.map(lambda number: office.raise_one(subject=f"message:{number:04}"), range(200)))

    assert Counter(office.states()) == {"sent": 1, "waiting": 199}
    assert office.run_digest() == Done("Alerts in one message: 199.")
    first, second = office.texts()
    assert "Harbor Plumbing: 199 more alerts: 199 texts that did not arrive." in second["body"]
    assert len(second["body"]) <= 612
    assert Counter(office.states()) == {"sent": 200}
    assert {row["delivery_ids"][0] for row in office.alerts()} == {first["id"], second["id"]}


def test_a_flood_is_counted_in_the_database_and_a_few_are_named(office: Office) -> None:
    office.raise_one()
    office.raise_one(subject="message:0001")
    office.connection.execute(
        "INSERT INTO owner_alerts (id, org_id, client_id, kind, subject, summary)"
        " SELECT gen_random_uuid(), org_id, client_id, 'call_back', 'flood:' || n, 'It was about a flood.'"
        " FROM owner_alerts, generate_series(1, 3000) n WHERE state = 'waiting'"
    )
    tracemalloc.start()
    try:
        assert office.run_digest() == Done("Alerts in one message: 3001.")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert peak < 2**20
    told = office.texts()[-1]["body"]
    assert "3001 more alerts: 3000 call-backs wanted, 1 text that did not arrive." in told
    assert Counter(office.states()) == {"sent": 3002}


def test_alerts_whose_digest_died_are_told_without_another_alert(office: Office) -> None:
    office.raise_one()
    office.raise_one()
    with office.database.platform_scope() as session:
        assert resume_digests(session) == 0
    office.connection.execute("UPDATE jobs SET state = 'dead', finished_at = now() WHERE kind = 'alerts.digest'")
    with office.database.platform_scope() as session:
        assert resume_digests(session) == 1
        assert resume_digests(session) == 0
    (job,) = office.rows("SELECT id FROM jobs WHERE kind = 'alerts.digest' AND state = 'available'")
    office.connection.execute("UPDATE jobs SET state = 'scheduled' WHERE id = %s", [job["id"]])
    assert office.run_digest() == Done("Alerts in one message: 1.")
    assert office.states() == ["sent", "sent"]


def test_what_goes_on_happening_is_told_once_a_window(office: Office) -> None:
    office.raise_one()
    office.raise_one()
    office.run_digest()
    office.raise_one()
    assert len(office.texts()) == 2

    office.run_digest()
    assert len(office.texts()) == 3
    assert office.run_digest() == Done("Nothing was raised meanwhile.")
    office.raise_one()
    assert len(office.texts()) == 4


def test_the_window_is_as_long_as_the_client_wants_it(office: Office) -> None:
    office.prefer("alert_collapse_minutes = 30")
    office.raise_one()

    (job,) = office.rows("SELECT run_at, unique_key FROM jobs WHERE kind = 'alerts.digest'")
    assert job["run_at"] == office.clock.now() + timedelta(minutes=30)


def test_a_client_that_wants_every_alert_gets_every_alert(office: Office) -> None:
    office.prefer("alert_collapse_minutes = 0")
    for _ in range(3):
        office.raise_one()

    assert len(office.texts()) == 3
    assert office.rows("SELECT * FROM jobs WHERE kind = 'alerts.digest'") == []


def test_an_alert_that_is_raised_while_the_digest_is_sent_is_not_forgotten(office: Office) -> None:
    office.raise_one()
    office.raise_one()
    with ThreadPoolExecutor(8) as pool:
        digest = pool.submit(office.run_digest)
        list(pool.map(lambda _: office.raise_one(), range(40)))
    digest.result()

    waits = "waiting" in office.states()
    live = office.rows("SELECT FROM jobs WHERE kind = 'alerts.digest' AND state = 'scheduled'")
    assert len(live) == 1 or not waits
    while office.run_digest() != Done("Nothing was raised meanwhile."):
        pass
    assert set(office.states()) == {"sent"}


def test_a_digest_waits_for_an_alert_that_is_about_to_be_committed(office: Office) -> None:
    office.raise_one()
    alert = Alert(ORGANIZATION_ID, CLIENT_ID, AlertKind.CALL_BACK, "message:late", "It was late.")
    waits = "SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
    with ThreadPoolExecutor(1) as pool:
        with office.database.tenant_scope(ORGANIZATION_ID) as session:
            raise_alert(session, alert, now=office.clock.now())
            digest = pool.submit(office.run_digest)
            eventually(lambda: digest.done() or office.rows(waits))
        assert digest.result(20) == Done("Alerts in one message: 1.")

    assert office.states() == ["sent", "sent"]


def test_the_same_thing_is_told_once(office: Office) -> None:
    office.prefer("alert_collapse_minutes = 0")
    office.raise_one(subject="message:1")
    office.raise_one(subject="message:1")

    assert len(office.texts()) == 1


def test_a_danger_waits_for_nothing_and_cannot_be_turned_off(office: Office) -> None:
    office.prefer("alert_kinds = '{new_lead}'")
    office.raise_one(AlertKind.NEW_LEAD)
    office.raise_one(AlertKind.NEW_LEAD)
    office.raise_one(AlertKind.CRISIS)
    office.raise_one(AlertKind.CRISIS)

    assert office.states() == ["sent", "waiting", "sent", "sent"]
    assert all("URGENT" in text["body"] and "911" in text["body"] for text in office.texts()[1:])


def test_only_the_kinds_that_the_client_chose_are_told(office: Office) -> None:
    office.prefer("alert_kinds = '{new_lead}'")
    office.raise_one(AlertKind.CALL_BACK)
    office.raise_one(AlertKind.NEW_LEAD)

    call_back, lead = office.alerts()
    assert (call_back["state"], call_back["reason"]) == (
        "suppressed",
        "The client does not want alerts of this kind.",
    )
    assert lead["state"] == "sent"


@pytest.mark.parametrize(("choice", "channels"), [("sms", ["sms"]), ("email", ["email"]), ("both", ["sms", "email"])])
def test_alerts_go_by_the_channels_of_the_clients_choice(office: Office, choice: str, channels: list[str]) -> None:
    office.prefer(f"notification_channel = '{choice}'")
    office.raise_one()

    assert office.channels() == channels


def test_paused_notifications_stop_alerts_on_record_and_tell_the_operators(office: Office) -> None:
    office.throw("notifications_paused = true")
    office.raise_one()

    assert office.texts() == []
    (alert,) = office.alerts()
    assert (alert["state"], alert["reason"]) == ("suppressed", "Notifications to the owner are paused for this client.")
    (decision,) = office.rows("SELECT * FROM guard_logs")
    assert (decision["allowed"], decision["subject"]) == (False, f"alert:{alert['id']}")
    (notice,) = office.notices()
    assert notice["kind"] == "owner_unreachable"
    assert notice["words"].startswith("Requests are saved but you won't be alerted.")


def test_alerts_that_wait_when_notifications_are_paused_are_not_sent(office: Office) -> None:
    office.raise_one()
    office.raise_one()
    office.throw("notifications_paused = true")

    assert isinstance(office.run_digest(), Cancel)
    assert office.states() == ["sent", "suppressed"]
    assert len(office.texts()) == 1


def test_the_notice_goes_when_the_owner_can_be_reached_again(office: Office) -> None:
    office.prefer("notification_channel = 'none'")
    office.raise_one()
    assert len(office.notices()) == 1

    office.prefer("notification_channel = 'sms'")
    office.raise_one()
    assert office.notices() == []


def test_an_owner_whose_phone_opted_out_is_told_by_email_in_its_place(office: Office) -> None:
    office.connection.execute(
        "INSERT INTO opt_outs (id, org_id, client_id, channel, address, source)"
        " SELECT gen_random_uuid(), org_id, id, 'sms', owner_phone, 'keyword' FROM clients"
    )
    office.raise_one()

    assert office.channels() == ["email"]
    assert office.notices() == []
