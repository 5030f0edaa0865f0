"""The journey of a message: every step on record, in order, in words, and for operators alone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import psycopg
import pytest
from pydantic import SecretStr

from api.app import create_app
from config.settings import Settings, Twilio
from migrations.seeds import apply
from migrations.seeds.demo import BOT_ID, CLIENT_ID, OWNER_PHONE
from tests.api.conftest import ADMIN_TOKEN
from tests.support.app_client import AppClient
from tests.support.hand_worker import HandWorker
from tests.support.twilio_api import Reject
from tests.support.twilio_double import TwilioDouble
from tests.support.twilio_webhook import AUTH_TOKEN, CUSTOMER, encoded, signed, sms_form

if TYPE_CHECKING:
    from tests.support.databases import DatabaseUrls

pytestmark = pytest.mark.integration
QUESTION = "How much is a drain cleaning?"
PAGE = {"Accept": "text/html"}
Journey = dict[str, Any]


@pytest.fixture
def settings(settings: Settings, database_urls: DatabaseUrls) -> Settings:
    """Give settings that know an auth token, on a database with two tenants."""
    apply(database_urls.platform, "test")
    twilio = Twilio(account_sid=f"AC{'0' * 32}", auth_token=SecretStr(AUTH_TOKEN))
    return settings.model_copy(update={"twilio": twilio})


@pytest.fixture
def client(settings: Settings) -> Iterator[AppClient]:
    """Give an operator's client of the whole application."""
    with AppClient(create_app(settings)) as client:
        client.headers["authorization"] = f"Bearer {ADMIN_TOKEN}"
        yield client


@pytest.fixture
def worker(settings: Settings) -> Iterator[HandWorker]:
    with HandWorker(settings) as worker:
        yield worker


@pytest.fixture
def database(database_urls: DatabaseUrls) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(database_urls.platform, autocommit=True) as connection:
        yield connection


def text(client: AppClient, settings: Settings, body: str = QUESTION) -> str:
    """Text the demo client; return the correlation id."""
    form = sms_form(body)
    answer = client.post("/webhooks/twilio/sms", content=encoded(form), headers=signed(settings.public_url, form))
    assert answer.status_code == 200
    return str(answer.headers["x-correlation-id"])


def journey(client: AppClient, correlation_id: str) -> Journey:
    answer = client.get(f"/api/v1/journeys/{correlation_id}")
    assert answer.status_code == 200, answer.text
    document: Journey = answer.json()
    return document


def kinds(document: Journey) -> list[str]:
    return [step["kind"] for step in document["steps"]]


def test_an_answered_text_shows_every_step_in_order(client: AppClient, settings: Settings, worker: HandWorker) -> None:
    correlation_id = text(client, settings)
    before = journey(client, correlation_id)
    assert (before["state"], before["finished"], before["reply"]) == ("under_way", False, None)
    assert kinds(before) == ["webhook", "job"]
    assert "gatehouse doctor" in before["advice"][0]
    assert before["why"]["question"] == "Why is there no reply yet?"
    assert before["why"]["answer"][0].startswith("Answering waits for a free worker since ")

    worker.work()
    after = journey(client, correlation_id)

    assert (after["state"], after["finished"], after["advice"]) == ("answered", True, [])
    assert after["headline"].startswith("Answered after ")
    assert "$149" in after["reply"]
    assert after["client_name"] == "Harbor Plumbing"
    # The order of what cannot happen in another one.
    order = [step for step in kinds(after) if step != "decision"]
    assert order == ["webhook", "job", "attempt", "reply", "delivery", "job", "attempt", "send_attempt"]
    times = [datetime.fromisoformat(step["at"]) for step in after["steps"]]
    assert times == sorted(times)
    assert after["steps"][0]["offset_ms"] == 0
    assert after["answered_ms"] > 0
    runs = [step for step in after["steps"] if step["kind"] in {"attempt", "send_attempt"}]
    assert all(step["duration_ms"] > 0 for step in runs)
    assert {step["outcome"] for step in after["steps"] if step["kind"] == "decision"} == {"allowed"}
    assert after["why"] is None
    assert all(step["wait_ms"] >= 0 for step in after["steps"] if step["kind"] == "attempt")
    (reply,) = [step for step in after["steps"] if step["kind"] == "reply"]
    assert reply["facts"] == {
        "Guardrail": "passed: what it says stands in the knowledge base",
        "Sources": "Drain cleaning",
    }


def test_steps_hold_no_text_and_no_number(client: AppClient, settings: Settings, worker: HandWorker) -> None:
    correlation_id = text(client, settings, "Please call me at +1 500 555 0123, says Ada")
    worker.work()

    document = journey(client, correlation_id)
    steps = str(document["steps"])
    assert "Ada" not in steps
    assert "0123" not in steps
    assert CUSTOMER not in steps
    assert OWNER_PHONE not in steps
    assert document["steps"][0]["what"] == "A message from a number ending in 01 came in"


@pytest.mark.parametrize(
    ("switch", "state", "outcome", "advice"),
    [
        ("outbound_paused = true", "blocked", "blocked", "outbound_paused"),
        ("ai_disabled = true", "answered", "limited", "ai_disabled"),
        ("billing_status = 'canceled'", "blocked", "blocked", "The client has left."),
    ],
)
def test_a_block_says_why_and_what_to_do(
    client: AppClient,
    settings: Settings,
    worker: HandWorker,
    database: psycopg.Connection[Any],
    switch: str,
    state: str,
    outcome: str,
    advice: str,
) -> None:
    database.execute(f"UPDATE clients SET {switch} WHERE id = %s", [CLIENT_ID])  # noqa: S608  # words of the test
    correlation_id = text(client, settings)
    worker.work()

    document = journey(client, correlation_id)

    assert (document["state"], document["finished"]) == (state, True)
    decisions = [step for step in document["steps"] if step["kind"] == "decision"]
    assert decisions[0]["outcome"] == outcome
    assert decisions[0]["detail"]
    assert decisions[0]["facts"]["Everything outbound is paused"] == ("yes" if "outbound" in switch else "no")
    assert advice in " ".join(document["advice"])
    assert document["why"]["question"] == ("Why no reply?" if state == "blocked" else "Why this text?")
    assert decisions[0]["detail"] in document["why"]["answer"][0]


def test_a_switch_thrown_before_the_send_blocks_the_reply(
    client: AppClient, settings: Settings, worker: HandWorker, database: psycopg.Connection[Any]
) -> None:
    correlation_id = text(client, settings)
    worker.work("conversations.process")
    database.execute("UPDATE clients SET outbound_paused = true")
    worker.work()

    document = journey(client, correlation_id)

    assert (document["state"], document["reply"]) == ("blocked", None)
    assert [step["outcome"] for step in document["steps"] if step["kind"] == "send_attempt"] == ["blocked"]


def test_a_keyword_needs_no_reply(client: AppClient, settings: Settings, worker: HandWorker) -> None:
    correlation_id = text(client, settings, "STOP")
    worker.work()

    document = journey(client, correlation_id)

    assert (document["state"], document["finished"]) == ("no_reply_needed", True)
    assert "opted out" in [step["outcome"] for step in document["steps"]]
    assert document["why"]["question"] == "Why no reply?"
    assert "asked for no more texts" in document["why"]["answer"][0]


def test_a_text_that_was_answered_with_a_later_one_leads_to_the_answer(
    client: AppClient, settings: Settings, worker: HandWorker
) -> None:
    first, second = text(client, settings, "Hi there"), text(client, settings)
    worker.work()

    early, late = journey(client, first), journey(client, second)

    assert early["state"] == late["state"] == "answered"
    assert early["reply"] == late["reply"]
    assert kinds(early).count("webhook") == 2
    others = [step for step in early["steps"] if step["what"].startswith("Another message")]
    assert [step["ids"]["correlation_id"] for step in others] == [second]


def test_a_dead_job_tells_how_to_run_it_again(
    client: AppClient, settings: Settings, database: psycopg.Connection[Any]
) -> None:
    correlation_id = text(client, settings)
    database.execute("UPDATE jobs SET state = 'dead', last_error = 'It broke.', finished_at = now()")

    document = journey(client, correlation_id)

    assert document["state"] == "failed"
    job = next(step for step in document["steps"] if step["kind"] == "job")
    assert (job["outcome"], job["tone"], job["detail"]) == ("needs a person", "bad", "It broke.")
    assert f"gatehouse dead requeue {job['ids']['job_id']}" in " ".join(document["advice"])
    assert document["why"]["question"] == "Why did no reply arrive?"
    assert document["why"]["answer"] == ["Answering failed and waits for a person now: It broke."]


def test_a_chat_message_has_a_journey_too(client: AppClient, worker: HandWorker) -> None:
    taken = client.post(
        f"/api/widget/chat/{CLIENT_ID}/{BOT_ID}", json={"text": QUESTION, "idempotency_key": str(uuid4())}
    ).json()
    worker.work()

    document = journey(client, taken["correlation_id"])

    assert (document["state"], document["finished"]) == ("answered", True)
    assert document["steps"][0]["what"] == "A message from a visitor of the web chat came in"
    assert "delivery" not in kinds(document)


def test_what_is_unknown_is_not_found(client: AppClient) -> None:
    assert client.get(f"/api/v1/journeys/{uuid4()}").status_code == 404
    assert client.get("/api/v1/journeys/nonsense").status_code == 422
    for wanted in (str(uuid4()), "nonsense", "<script>"):
        answer = client.get(f"/dashboard/journeys/{wanted}", headers=PAGE)
        assert answer.status_code == 404
        assert "Nothing is on record here" in answer.text
        assert "<script>" not in answer.text


def test_the_page_shows_the_texts_and_the_steps(client: AppClient, settings: Settings, worker: HandWorker) -> None:
    correlation_id = text(client, settings, "How much is a <b>drain</b> cleaning?")
    worker.work()

    answer = client.get(f"/dashboard/journeys/{correlation_id}", headers=PAGE)

    assert answer.status_code == 200
    assert "How much is a &lt;b&gt;drain&lt;/b&gt; cleaning?" in answer.text
    assert "$149" in answer.text
    assert "Answered after" in answer.text
    assert 'data-finished="true"' in answer.text
    assert CUSTOMER not in answer.text
    # The page's policy allows neither.
    assert " style=" not in answer.text
    assert " onclick=" not in answer.text


def test_only_operators_see_journeys(settings: Settings) -> None:
    with AppClient(create_app(settings)) as stranger:
        for path in (f"/api/v1/journeys/{uuid4()}", "/dashboard/journeys", f"/dashboard/journeys/{uuid4()}"):
            assert stranger.get(path).status_code == 401
            sent = stranger.get(path, headers=PAGE)
            assert (sent.status_code, sent.headers["location"]) == (303, f"/sign-in?next={path}")


@pytest.fixture
def twilio() -> Iterator[TwilioDouble]:
    with TwilioDouble(auth_token=AUTH_TOKEN) as twilio:
        yield twilio


@pytest.fixture
def through_twilio(settings: Settings, twilio: TwilioDouble) -> Iterator[HandWorker]:
    """Give a worker that sends through the double."""
    account = settings.twilio.model_copy(update={"api_base_url": twilio.url})
    with HandWorker(settings.model_copy(update={"sms_provider": "twilio", "twilio": account})) as worker:
        yield worker


def test_a_refused_number_says_so(
    client: AppClient, settings: Settings, through_twilio: HandWorker, twilio: TwilioDouble
) -> None:
    twilio.will(Reject(21211, 400, "The 'To' number is not a valid phone number."))
    correlation_id = text(client, settings)
    through_twilio.work()

    document = journey(client, correlation_id)

    assert (document["state"], document["finished"], document["reply"]) == ("failed", True, None)
    attempt, _ = [step for step in document["steps"] if step["kind"] == "send_attempt"]
    assert (attempt["outcome"], attempt["tone"]) == ("refused", "bad")
    assert "Code 21211." in attempt["detail"]
    (alert,) = [step for step in document["steps"] if step["kind"] == "alert"]
    assert (alert["what"], alert["outcome"]) == ("The owner was to hear of a text that did not arrive", "told")
    assert document["advice"] == ["The number can't get texts. Reach the customer in another way."]
    assert document["why"]["answer"][0].startswith("The reply was refused (code 21211).")


def test_a_receipt_is_a_step(
    client: AppClient, settings: Settings, through_twilio: HandWorker, twilio: TwilioDouble
) -> None:
    correlation_id = text(client, settings)
    through_twilio.work()
    assert journey(client, correlation_id)["state"] == "answered"
    (sent,) = twilio.messages
    form = {"MessageSid": sent.sid, "MessageStatus": "delivered", "AccountSid": f"AC{'0' * 32}"}
    path = "/webhooks/twilio/status"
    answer = client.post(path, content=encoded(form), headers=signed(settings.public_url, form, path))
    assert answer.is_success

    document = journey(client, correlation_id)

    assert kinds(document)[-1] == "receipt"
    assert document["steps"][-1]["outcome"] == "delivered"


def test_danger_is_shown_as_what_it_was(client: AppClient, settings: Settings, worker: HandWorker) -> None:
    correlation_id = text(client, settings, "I don't want to live anymore")
    worker.work()

    document = journey(client, correlation_id)

    assert (document["state"], document["finished"]) == ("answered", True)
    assert document["headline"].startswith("Answered with advice for an emergency after ")
    (reply,) = [step for step in document["steps"] if step["kind"] == "reply"]
    assert reply["what"] == "Advice for an emergency was chosen"
    (alert,) = [step for step in document["steps"] if step["kind"] == "alert"]
    assert (alert["what"], alert["outcome"]) == ("The owner was to hear that somebody may be in danger", "told")
    assert "anymore" not in str(document["steps"])


def test_a_person_in_place_of_the_ai_is_shown(
    client: AppClient, settings: Settings, worker: HandWorker, database: psycopg.Connection[Any]
) -> None:
    first = text(client, settings)
    worker.work("conversations.process")
    row = database.execute("SELECT id::text FROM conversations").fetchone()
    assert row is not None
    client.post(f"/api/v1/conversations/{row[0]}/messages", json={"text": "Dana here."}).raise_for_status()
    later = text(client, settings, "and when?")
    worker.work()

    document = journey(client, first)
    assert document["state"] == "answered"
    assert document["headline"].startswith("Answered by a person after ")
    assert document["reply"] == "Dana here."
    assert "A person's reply for a number ending in 01 was to be sent" in [step["what"] for step in document["steps"]]
    assert f"gatehouse conversations release {row[0]}" in " ".join(document["advice"])

    document = journey(client, later)
    assert (document["state"], document["headline"]) == ("left_to_person", "Left to the person who answers")
    assert document["finished"]


def test_an_alert_that_was_kept_back_says_why(
    client: AppClient, settings: Settings, worker: HandWorker, database: psycopg.Connection[Any]
) -> None:
    database.execute("UPDATE clients SET ai_disabled = true, notifications_paused = true")
    correlation_id = text(client, settings)
    worker.work()

    document = journey(client, correlation_id)
    (alert,) = [step for step in document["steps"] if step["kind"] == "alert"]
    assert (alert["outcome"], alert["detail"]) == ("not told", "Notifications to the owner are paused for this client.")
    assert f"gatehouse notifications status {CLIENT_ID}" in " ".join(document["advice"])
