"""A delivery whose job was cancelled, or died and was discarded, comes to an end, and whoever has to know is told."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import psycopg
import pytest

from domain.delivery import abandoned
from domain.delivery.abandoned import sweep_deliveries
from domain.delivery.messages import SweepDeliveries
from domain.kernel.database import raw_connection
from domain.kernel.ids import PLATFORM_ORG_ID
from domain.queue import control
from domain.queue.claim import claim
from domain.queue.dead import DeadFilter, discard
from domain.queue.enqueue import enqueue
from domain.queue.outcome import Cancel, Done
from domain.queue.run import Run
from migrations.seeds.demo import CLIENT_ID, ORGANIZATION_ID
from tests.domain.delivery.conftest import Desk
from tests.support.twilio_api import AcceptThenHang, Hang, Reject

pytestmark = pytest.mark.integration


def sweep(desk: Desk) -> str:
    """Run the sweep once and return its note."""
    with desk.database.platform_scope() as session:
        job_id = enqueue(session, SweepDeliveries(), org_id=PLATFORM_ORG_ID)
    info = desk.connection.info
    with psycopg.connect(info.dsn, password=info.password, autocommit=True) as connection:
        (claimed,) = claim(connection, desk.worker_id, [job_id])
    run = Run(claimed, desk.database)
    outcome = sweep_deliveries(SweepDeliveries(), run)
    with desk.database.platform_scope() as session:
        run.finish(session, outcome)
    assert isinstance(outcome, Done)
    return outcome.note


def cancel_job(desk: Desk, delivery: UUID) -> None:
    with desk.database.platform_scope() as session:
        control.cancel(session, desk.job(delivery)["id"])


def kill_job(desk: Desk, delivery: UUID) -> None:
    desk.connection.execute(
        "UPDATE jobs SET state = 'dead', worker_id = NULL, finished_at = now(), error_class = 'WorkerKilled'"
        " WHERE id = %s",
        [desk.job(delivery)["id"]],
    )


def later(desk: Desk, minutes: int = 16) -> None:
    """Let time pass for all deliveries."""
    desk.connection.execute("UPDATE deliveries SET updated_at = updated_at - make_interval(mins => %s)", [minutes])
    desk.wait(60 * minutes)


def told(desk: Desk) -> int:
    return len(desk.jobs("delivery.failed"))


def test_what_waits_is_cancelled_and_told_of_when_its_job_was_cancelled(desk: Desk) -> None:
    delivery = desk.ask()
    cancel_job(desk, delivery)
    later(desk)
    assert sweep(desk) == "Ended 1."
    row = desk.delivery(delivery)
    assert (row["state"], row["error_text"], told(desk)) == ("cancelled", "Its job was cancelled or discarded.", 1)
    assert sweep(desk) == "Ended 0."


def test_what_waits_is_cancelled_when_its_dead_letter_is_discarded_and_not_before(desk: Desk) -> None:
    delivery = desk.ask()
    kill_job(desk, delivery)
    later(desk)
    assert sweep(desk) == "Ended 0."
    assert desk.delivery(delivery)["state"] == "pending"
    with desk.database.platform_scope() as session:
        assert discard(session, DeadFilter(ids=[desk.job(delivery)["id"]]), "Nobody needs it.") == 1
    assert sweep(desk) == "Ended 1."
    assert (desk.delivery(delivery)["state"], told(desk)) == ("cancelled", 1)


def test_what_was_cancelled_a_moment_ago_and_what_has_a_job_is_left_alone(desk: Desk) -> None:
    waiting = desk.ask("Waits for its job.")
    later(desk)
    cancelled = desk.ask("Cancelled a moment ago.")
    cancel_job(desk, cancelled)
    assert sweep(desk) == "Ended 0."
    assert [desk.delivery(each)["state"] for each in (waiting, cancelled)] == ["pending", "pending"]


@pytest.fixture
def sent_for_all_we_know(desk: Desk) -> UUID:
    """Cancel the job of a delivery that the provider took, its answer lost."""
    return lose(desk, AcceptThenHang())


def lose(desk: Desk, behaviour: AcceptThenHang | Hang) -> UUID:
    delivery = desk.ask()
    desk.twilio.will(behaviour)
    desk.run(delivery)
    cancel_job(desk, delivery)
    later(desk)
    return delivery


def test_what_may_have_been_sent_is_looked_for_and_found(desk: Desk, sent_for_all_we_know: UUID) -> None:
    assert sweep(desk) == "Ended 1."
    assert sweep(desk) == "Ended 0."
    assert desk.run(sent_for_all_we_know) == Done()
    assert desk.outcomes(sent_for_all_we_know) == ["accepted"]
    assert (len(desk.twilio.messages), told(desk)) == (1, 0)


def test_what_turns_out_not_to_have_been_sent_is_cancelled_rather_than_sent(desk: Desk) -> None:
    delivery = lose(desk, Hang())
    sweep(desk)
    assert isinstance(desk.run(delivery), Cancel)
    row = desk.delivery(delivery)
    assert (row["state"], desk.outcomes(delivery), desk.twilio.messages) == ("cancelled", ["not_sent"], [])
    assert (row["error_text"], told(desk)) == ("It was not sent, and its job was cancelled or discarded.", 1)


def test_a_person_is_asked_once_when_the_provider_cannot_tell(desk: Desk, sent_for_all_we_know: UUID) -> None:
    sweep(desk)
    desk.twilio.refuse_lists(Reject(20503, 503))
    desk.wait(25 * 3600)
    assert isinstance(desk.run(sent_for_all_we_know), Done)
    later(desk)
    assert sweep(desk) == "Ended 0."
    assert len(desk.notices("outcome_unknown")) == 1


def test_a_person_is_asked_when_a_job_died_in_the_middle_of_sending(desk: Desk) -> None:
    delivery = desk.ask()
    desk.twilio.will(AcceptThenHang())
    desk.run(delivery)
    # As a worker leaves it that is killed during the call.
    desk.connection.execute("UPDATE notification_logs SET outcome = 'sending', finished_at = NULL")
    desk.connection.execute("UPDATE deliveries SET state = 'sending'")
    kill_job(desk, delivery)
    later(desk)
    assert sweep(desk) == "Ended 1."
    assert (desk.delivery(delivery)["state"], desk.outcomes(delivery)) == ("unknown", ["unknown"])
    (notice,) = desk.notices("outcome_unknown")
    assert f"gatehouse deliveries resolve {delivery}" in notice["words"]
    assert sweep(desk) == "Ended 0."


def test_all_pages_are_looked_at(desk: Desk) -> None:
    pile_up(desk, abandoned.PAGE + 1, jobs=abandoned.PAGE)
    orphan = desk.ask(to="+15009999999")
    cancel_job(desk, orphan)
    later(desk)
    assert sweep(desk) == "Ended 2."
    assert desk.delivery(orphan)["state"] == "cancelled"


def test_the_sweep_reads_indexes_however_many_jobs_there_are(desk: Desk) -> None:
    pile_up(desk, 6_000, jobs=6_000)
    desk.connection.execute("UPDATE jobs SET state = 'dead' WHERE run_at <= now() AND id < %s", [UUID(int=1 << 127)])
    for statement in ("SELECT 1", "ANALYZE jobs, deliveries"):
        desk.connection.execute(statement)
        with desk.database.platform_scope() as session:
            plan = explain(raw_connection(session))
        for index in ("deliveries_unsent", "jobs_unique_key", "jobs_dead_unique_key"):
            assert f"using {index} on" in plan


def explain(connection: psycopg.Connection[Any]) -> str:
    nobody = {"client_id": UUID(int=0), "to_address": "", "id": UUID(int=0)}
    connection.execute(abandoned.BY_KEY)
    rows = connection.execute("EXPLAIN " + abandoned.FIND_PAGE, abandoned.PARAMETERS | nobody).fetchall()
    return "\n".join(row[0] for row in rows)


def pile_up(desk: Desk, count: int, *, jobs: int) -> None:
    """Give the client so many old deliveries, the first of them with a job that waits."""
    desk.connection.execute(
        """
        WITH d AS (
            INSERT INTO deliveries (id, org_id, client_id, purpose, channel, to_address, body, direct_reply)
            SELECT gen_random_uuid(), %(org)s, %(client)s, 'reply', 'sms', '+1500' || (5600000 + n), 'Hi', true
            FROM generate_series(1, %(count)s) n
            RETURNING id
        )
        INSERT INTO jobs (id, org_id, kind, queue, args, state, max_attempts, unique_key, run_at)
        SELECT gen_random_uuid(), %(org)s, 'delivery.send', 'outbound', '{}', 'scheduled', 9, id::text, now()
        FROM d LIMIT %(jobs)s
        """,
        {"org": ORGANIZATION_ID, "client": CLIENT_ID, "count": count, "jobs": jobs},
    )
