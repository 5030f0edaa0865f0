"""POST /webhooks/twilio/sms on real servers: what is accepted is stored once with its job, the rest leaves no trace."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from pydantic import SecretStr

from api.app import create_app
from config.settings import Settings, Twilio
from migrations.seeds import apply
from tests.support.app_client import AppClient
from tests.support.eventually import eventually
from tests.support.twilio_webhook import AUTH_TOKEN, CUSTOMER, encoded, signed, sms_form

if TYPE_CHECKING:
    import httpx

    from tests.support.databases import DatabaseUrls

pytestmark = pytest.mark.integration
PATH = "/webhooks/twilio/sms"


@pytest.fixture
def settings(settings: Settings, database_urls: DatabaseUrls) -> Settings:
    """Give settings that know an auth token, on a database with the demo tenant."""
    apply(database_urls.platform, "demo")
    twilio = Twilio(account_sid=f"AC{'0' * 32}", auth_token=SecretStr(AUTH_TOKEN))
    return settings.model_copy(update={"twilio": twilio})


@pytest.fixture
def database(database_urls: DatabaseUrls) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(database_urls.platform, autocommit=True) as connection:
        yield connection


def _post(client: AppClient, settings: Settings, form: dict[str, str], **headers: str) -> httpx.Response:
    return client.post(PATH, content=encoded(form), headers=signed(settings.public_url, form) | headers)


def _counts(database: psycopg.Connection[Any]) -> tuple[int, int]:
    """Return how many texts are kept, and how many jobs that process one."""
    row = database.execute(
        "SELECT (SELECT count(*) FROM messages), (SELECT count(*) FROM jobs WHERE kind = 'conversations.process')"
    ).fetchone()
    assert row is not None
    return row[0], row[1]


def test_a_text_is_stored_with_its_job_and_answered_with_empty_twiml(
    client: AppClient, settings: Settings, database: psycopg.Connection[Any]
) -> None:
    form = sms_form("When are you open? 🙂", MessagingServiceSid=f"MG{'a' * 32}")

    answer = _post(client, settings, form)

    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/xml")
    assert answer.text == '<?xml version="1.0" encoding="UTF-8"?><Response/>'
    row = database.execute(
        "SELECT m.body, m.address, m.external_id, m.processed_at, j.kind, j.state, j.args ->> 'address',"
        " j.correlation_id = m.correlation_id, m.correlation_id::text FROM messages m JOIN jobs j USING (org_id)"
    ).fetchone()
    assert row is not None
    assert row[:8] == (
        "When are you open? 🙂",
        CUSTOMER,
        form["MessageSid"],
        None,
        "conversations.process",
        "available",
        CUSTOMER,
        True,
    )
    assert answer.headers["x-correlation-id"] == row[8]


def test_a_repeat_changes_nothing(client: AppClient, settings: Settings, database: psycopg.Connection[Any]) -> None:
    form = sms_form()
    first = _post(client, settings, form)
    repeat = _post(client, settings, form, **{"i-twilio-idempotency-token": "again"})

    assert (first.status_code, repeat.status_code) == (200, 200)
    assert repeat.text == first.text
    assert _counts(database) == (1, 1)


def test_repeats_at_the_same_time_are_stored_once(
    client: AppClient, settings: Settings, database: psycopg.Connection[Any]
) -> None:
    form = sms_form()
    ready = threading.Barrier(8)

    def post(_: int) -> int:
        ready.wait()
        return _post(client, settings, form).status_code

    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(post, range(8)))

    assert statuses == [200] * 8
    assert _counts(database) == (1, 1)


def test_many_texts_at_once_are_all_stored(
    client: AppClient, settings: Settings, database: psycopg.Connection[Any]
) -> None:
    forms = [sms_form(f"text {number}") for number in range(100)]

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda form: _post(client, settings, form), forms))

    assert {answer.status_code for answer in answers} == {200}
    stored = database.execute("SELECT external_id FROM messages").fetchall()
    assert {sid for (sid,) in stored} == {form["MessageSid"] for form in forms}
    assert _counts(database) == (100, 100)


def test_media_is_kept_as_metadata(client: AppClient, settings: Settings, database: psycopg.Connection[Any]) -> None:
    form = sms_form("", NumMedia="2", MediaUrl0="https://media.example/1", MediaContentType0="image/jpeg")
    form |= {"MediaUrl1": "https://media.example/2", "MediaContentType1": "video/mp4"}

    assert _post(client, settings, form).status_code == 200

    row = database.execute("SELECT media, body FROM messages").fetchone()
    assert row == (
        [
            {"url": "https://media.example/1", "content_type": "image/jpeg"},
            {"url": "https://media.example/2", "content_type": "video/mp4"},
        ],
        "",
    )


@pytest.mark.parametrize("header", ["", "bm90IGEgc2lnbmF0dXJl", "é", None])
def test_a_wrong_or_missing_signature_is_refused(
    client: AppClient, settings: Settings, database: psycopg.Connection[Any], header: str | None
) -> None:
    form = sms_form()
    headers: dict[str, Any] = signed(settings.public_url, form)
    del headers["x-twilio-signature"]
    if header is not None:
        headers["x-twilio-signature"] = header.encode()

    answer = client.post(PATH, content=encoded(form), headers=headers)

    assert answer.status_code == 403
    assert "detail" not in answer.json()
    assert _counts(database) == (0, 0)


def test_a_changed_body_does_not_fit_its_signature(
    client: AppClient, settings: Settings, database: psycopg.Connection[Any]
) -> None:
    form = sms_form("Please call me")
    headers = signed(settings.public_url, form)

    answer = client.post(PATH, content=encoded(form | {"Body": "Please don't"}), headers=headers)

    assert answer.status_code == 403
    assert _counts(database) == (0, 0)


def test_an_unknown_number_is_not_found_and_gives_no_hint(client: AppClient, settings: Settings) -> None:
    answer = _post(client, settings, sms_form(To="+15005559999"))

    assert answer.status_code == 404
    assert set(answer.json()) == {"type", "title", "status", "instance", "request_id"}


def test_a_number_that_is_given_to_a_client_later_is_found(
    client: AppClient, settings: Settings, database: psycopg.Connection[Any]
) -> None:
    assert _post(client, settings, sms_form()).status_code == 200
    database.execute("UPDATE clients SET sms_number = '+15005550077', updated_at = now()")

    def found() -> bool:
        return _post(client, settings, sms_form(To="+15005550077")).status_code == 200

    assert eventually(found, within=5)


def test_a_text_to_a_messaging_service_is_found_by_its_service(
    client: AppClient, settings: Settings, database: psycopg.Connection[Any]
) -> None:
    service = f"MG{'b' * 32}"
    database.execute("UPDATE clients SET messaging_service_sid = %s, updated_at = now()", (service,))

    answer = _post(client, settings, sms_form(To="+15005550099", MessagingServiceSid=service))

    assert answer.status_code == 200
    assert _counts(database) == (1, 1)


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"MessageSid": ""}, "MessageSid"),
        ({"MessageSid": "SM123"}, "MessageSid"),
        ({"From": ""}, "From"),
        ({"From": "x" * 65}, "From"),
        ({"To": ""}, "To"),
    ],
)
def test_a_form_that_lacks_what_it_needs_is_refused_by_name(
    client: AppClient, settings: Settings, database: psycopg.Connection[Any], fields: dict[str, str], named: str
) -> None:
    answer = _post(client, settings, sms_form(**fields))

    assert answer.status_code == 422
    assert answer.json()["detail"] == f"Missing or unusable: {named}."
    assert _counts(database) == (0, 0)


@pytest.mark.parametrize(
    ("content", "content_type"),
    [
        (b'{"MessageSid": "SM1"}', "application/json"),
        (b"Body=%FF%FE", "application/x-www-form-urlencoded"),
        (b"\xff\xfe=1", "application/x-www-form-urlencoded"),
        (b"&".join(b"a%d=1" % number for number in range(300)), "application/x-www-form-urlencoded"),
    ],
)
def test_what_is_no_readable_form_is_refused(
    client: AppClient, database: psycopg.Connection[Any], content: bytes, content_type: str
) -> None:
    headers = {"content-type": content_type, "x-twilio-signature": "c2lnbmF0dXJl"}

    answer = client.post(PATH, content=content, headers=headers)

    assert answer.status_code == 422
    assert _counts(database) == (0, 0)


def test_a_body_over_64_kib_is_refused(client: AppClient, settings: Settings) -> None:
    assert _post(client, settings, sms_form("x" * 70_000)).status_code == 413


def test_nul_characters_do_no_harm(client: AppClient, settings: Settings, database: psycopg.Connection[Any]) -> None:
    form = sms_form("be\x00fore", NumMedia="1", MediaUrl0="https://media.example/\x00", MediaContentType0="a/b")

    assert _post(client, settings, form).status_code == 200
    assert database.execute("SELECT body FROM messages").fetchone() == ("before",)


def test_a_text_that_the_database_does_not_take_is_kept_until_it_does(
    client: AppClient, settings: Settings, database: psycopg.Connection[Any]
) -> None:
    assert _post(client, settings, sms_form()).status_code == 200
    cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'gatehouse-ingest'"
    database.execute(cut)

    answers = [_post(client, settings, sms_form()) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 200]
    eventually(lambda: _counts(database) == (3, 3), what="Three texts and their jobs")


def test_a_text_without_an_auth_token_configured_is_refused(settings: Settings) -> None:
    closed = settings.model_copy(update={"twilio": Twilio()})
    form = sms_form()
    with AppClient(create_app(closed)) as client:
        assert _post(client, closed, form).status_code == 403
