"""POST /webhooks/ses on real servers: signed reports once, subscriptions confirmed, and nothing without a signature."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any
from uuid import UUID

import psycopg
import pytest
from prometheus_client import REGISTRY

from api.app import create_app
from api.sns import SnsVerifier
from config.settings import Ses, Settings
from domain.kernel.ids import new_id
from migrations.seeds import apply
from migrations.seeds.demo import CLIENT_ID, ORGANIZATION_ID
from tests.support.app_client import AppClient
from tests.support.ses_events import RECIPIENT, bounce, complaint, event
from tests.support.ses_events import notification as ses_notification
from tests.support.sns_messages import TOPIC, Pages, confirmation, encoded, notification, signed, subscribe_url

if TYPE_CHECKING:
    import httpx

    from tests.support.databases import DatabaseUrls

pytestmark = pytest.mark.integration
MESSAGE_ID = "0100017c44f053b-61b59c11-9236-11e6-8f96-7be8aexample-000000"
HEADERS = {"content-type": "text/plain; charset=UTF-8", "x-amz-sns-message-type": "Notification"}


@pytest.fixture
def settings(settings: Settings, database_urls: DatabaseUrls) -> Settings:
    """Give settings that name a topic, on a database with the demo tenant."""
    apply(database_urls.platform, "demo")
    return settings.model_copy(update={"ses": Ses(topic_arns=TOPIC)})


@pytest.fixture
def pages() -> Pages:
    return Pages()


@pytest.fixture
def client(settings: Settings, pages: Pages) -> Iterator[AppClient]:
    app = create_app(settings)
    app.state.sns_verifier = SnsVerifier(settings.ses.topics, pages)
    with AppClient(app) as client:
        yield client


@pytest.fixture
def database(database_urls: DatabaseUrls) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(database_urls.platform, autocommit=True) as connection:
        yield connection


@pytest.fixture
def attempt(settings: Settings, database: psycopg.Connection[Any]) -> UUID:
    """Store an e-mail that SES took, and return the attempt."""
    del settings
    delivery, attempt = new_id(), new_id()
    database.execute(
        "INSERT INTO deliveries (id, org_id, client_id, purpose, channel, to_address, subject, body, state, attempts,"
        " provider, provider_id) VALUES (%s, %s, %s, 'owner_alert', 'email', %s, 'A', 'B', 'accepted', 1, 'ses', %s)",
        [delivery, ORGANIZATION_ID, CLIENT_ID, RECIPIENT, MESSAGE_ID],
    )
    database.execute(
        "INSERT INTO notification_logs (id, org_id, client_id, delivery_id, attempt, provider, provider_id, outcome)"
        " VALUES (%s, %s, %s, %s, 1, 'ses', %s, 'accepted')",
        [attempt, ORGANIZATION_ID, CLIENT_ID, delivery, MESSAGE_ID],
    )
    return attempt


def post(client: AppClient, document: dict[str, Any]) -> httpx.Response:
    return client.post("/webhooks/ses", content=encoded(document), headers=HEADERS)


def state(database: psycopg.Connection[Any]) -> tuple[Any, ...]:
    row = database.execute(
        "SELECT state, error_code, (SELECT count(*) FROM delivery_receipts) FROM deliveries"
    ).fetchone()
    assert row is not None
    return tuple(row)


def suppressed(database: psycopg.Connection[Any]) -> list[tuple[Any, ...]]:
    return database.execute("SELECT channel, address, source FROM opt_outs").fetchall()


def test_a_bounce_closes_the_email_and_suppresses_its_recipient(
    client: AppClient, attempt: UUID, database: psycopg.Connection[Any]
) -> None:
    answer = post(client, signed(notification(event("Bounce", MESSAGE_ID, attempt, bounce())), version="2"))
    assert (answer.status_code, answer.content) == (204, b"")
    assert state(database) == ("undelivered", "Permanent.General", 1)
    assert suppressed(database) == [("email", RECIPIENT, "bounce")]


@pytest.mark.usefixtures("attempt")
def test_a_complaint_by_a_notification_of_the_identity_suppresses_as_well(
    client: AppClient, database: psycopg.Connection[Any]
) -> None:
    assert post(client, signed(notification(ses_notification("Complaint", MESSAGE_ID, complaint())))).is_success
    assert suppressed(database) == [("email", RECIPIENT, "complaint")]


def test_a_repeated_message_changes_nothing(
    client: AppClient, attempt: UUID, database: psycopg.Connection[Any]
) -> None:
    document = signed(notification(event("Bounce", MESSAGE_ID, attempt, bounce())))
    before = counted("repeated")
    post(client, document)
    database.execute("DELETE FROM opt_outs")

    assert post(client, document).status_code == 204
    assert state(database) == ("undelivered", "Permanent.General", 1)
    assert suppressed(database) == []
    assert counted("repeated") - before == 1


def test_a_subscription_is_confirmed(client: AppClient, pages: Pages) -> None:
    pages.pages[subscribe_url()] = b"<ConfirmSubscriptionResponse/>"
    assert post(client, signed(confirmation())).status_code == 204
    assert pages.fetched[-1] == subscribe_url()


def test_a_subscription_that_can_not_be_confirmed_now_is_asked_for_again(client: AppClient) -> None:
    answer = post(client, signed(confirmation()))
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")


def test_the_end_of_a_subscription_visits_nothing(client: AppClient, pages: Pages) -> None:
    assert post(client, signed(confirmation("UnsubscribeConfirmation"))).status_code == 204
    assert len(pages.fetched) == 1


@pytest.mark.parametrize(
    "text",
    [
        "Successfully validated SNS topic for Amazon SES event publishing.",
        event("Open", MESSAGE_ID),
        event("Bounce", "of-somebody-else", None, bounce()),
    ],
    ids=["greeting", "open", "unknown"],
)
def test_what_is_not_about_an_email_of_ours_is_answered_and_changes_nothing(
    client: AppClient, attempt: UUID, database: psycopg.Connection[Any], text: str
) -> None:
    del attempt
    assert post(client, signed(notification(text))).status_code == 204
    assert state(database) == ("accepted", None, 0)


def test_a_message_that_is_not_signed_for_our_topic_is_refused(
    client: AppClient, attempt: UUID, database: psycopg.Connection[Any]
) -> None:
    good = signed(notification(event("Bounce", MESSAGE_ID, attempt, bounce())))
    before = counted("unsigned")
    answers = [
        post(client, good | {"Message": event("Complaint", MESSAGE_ID, attempt, complaint())}),
        post(client, good | {"SigningCertURL": "https://evil.example/x.pem"}),
        post(client, signed(notification("x", TopicArn=f"{TOPIC}-another"))),
    ]
    assert [answer.status_code for answer in answers] == [403] * 3
    assert not any("certificate" in answer.text or "signature" in answer.text for answer in answers)
    assert state(database) == ("accepted", None, 0)
    assert counted("unsigned") - before == 3


def test_without_a_topic_in_the_settings_every_message_is_refused(settings: Settings) -> None:
    with AppClient(create_app(settings.model_copy(update={"ses": Ses()}))) as client:
        assert post(client, signed(notification("x"))).status_code == 403


@pytest.mark.parametrize("body", [b"", b"{}", b"not json", b"Type=Notification"])
def test_what_is_no_message_is_refused(client: AppClient, body: bytes) -> None:
    answer = client.post("/webhooks/ses", content=body, headers=HEADERS)
    assert (answer.status_code, answer.json()["detail"]) == (422, "Not a message of Amazon SNS.")


def test_a_body_over_the_limit_is_refused(client: AppClient) -> None:
    assert client.post("/webhooks/ses", content=b" " * 300_000, headers=HEADERS).status_code == 413


def test_without_a_database_sns_is_told_to_come_again(unconnected: Callable[..., Settings], redis_url: str) -> None:
    settings = unconnected(ses=Ses(topic_arns=TOPIC), redis_url=redis_url, broker_url=redis_url)
    app = create_app(settings)
    app.state.sns_verifier = SnsVerifier(settings.ses.topics, Pages())
    with AppClient(app) as client:
        answer = post(client, signed(notification(event("Delivery", MESSAGE_ID))))
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")


def counted(outcome: str) -> float:
    return REGISTRY.get_sample_value("gatehouse_ingest_total", {"channel": "ses", "outcome": outcome}) or 0.0
