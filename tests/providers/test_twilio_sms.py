"""The Twilio adapter: the real client against a double of the wire."""

from __future__ import annotations

import logging
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from domain.delivery.errors import OutcomeUnknownError, ProviderRejectedError
from domain.delivery.ports import OutgoingSms, Report
from providers.retry_after import retry_after
from providers.twilio.sms import TwilioSms
from providers.twilio.transport import TwilioTransport
from tests.support.twilio_api import (
    AcceptThenDrop,
    AcceptThenFail,
    AcceptThenGarble,
    AcceptThenHang,
    Hang,
    Reject,
    Sent,
)
from tests.support.twilio_double import TwilioDouble

CALLBACK = "https://gatehouse.test/webhooks/twilio/status?attempt=1"
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.fixture
def twilio() -> Iterator[TwilioDouble]:
    with TwilioDouble() as double:
        yield double


def provider(twilio: TwilioDouble, *, token: str | None = None) -> TwilioSms:
    transport = TwilioTransport(twilio.url, connect_seconds=1, read_seconds=0.3)
    return TwilioSms(twilio.account_sid, token or twilio.auth_token, transport)


def text(
    body: str = "We open at 8.", *, number: str | None = "+15005550006", service: str | None = None
) -> OutgoingSms:
    return OutgoingSms(uuid4(), uuid4(), uuid4(), "+15005550001", body, number, service, CALLBACK)


def test_a_text_becomes_one_authenticated_post(twilio: TwilioDouble) -> None:
    accepted = provider(twilio).send(text())

    assert [(r.method, r.authorized, dict(r.fields)) for r in twilio.requests] == [
        (
            "POST",
            True,
            {"To": "+15005550001", "From": "+15005550006", "Body": "We open at 8.", "StatusCallback": CALLBACK},
        )
    ]
    assert (accepted.provider_id, accepted.status) == (twilio.messages[0].sid, "queued")


def test_a_messaging_service_is_named_beside_the_number(twilio: TwilioDouble) -> None:
    service = "MG" + "0" * 32
    statuses = [
        provider(twilio).send(text(service=service)).status,
        provider(twilio).send(text(number=None, service=service)).status,
    ]

    assert statuses == ["accepted", "accepted"]
    assert [(m.fields.get("From"), m.fields.get("MessagingServiceSid")) for m in twilio.messages] == [
        ("+15005550006", service),
        (None, service),
    ]


@pytest.mark.parametrize(
    ("valid_for", "seconds"),
    [
        (timedelta(minutes=5), "300"),
        (timedelta(milliseconds=20), "1"),
        (timedelta(days=2), "36000"),
    ],
)
def test_a_text_is_valid_for_as_long_as_it_is_of_use(twilio: TwilioDouble, valid_for: timedelta, seconds: str) -> None:
    provider(twilio).send(replace(text(), valid_for=valid_for))
    assert twilio.messages[0].fields["ValidityPeriod"] == seconds


def test_threads_share_one_client(twilio: TwilioDouble) -> None:
    sms = provider(twilio)
    with ThreadPoolExecutor(8) as pool:
        accepted = list(pool.map(lambda n: sms.send(text(f"Text {n}")), range(80)))

    assert {(a.provider_id, m.body) for a, m in zip(accepted, sorted_by_number(twilio), strict=True)} == {
        (m.sid, m.body) for m in twilio.messages
    }


def sorted_by_number(twilio: TwilioDouble) -> list[Sent]:
    return sorted(twilio.messages, key=lambda message: int(message.body.removeprefix("Text ")))


def test_a_refusal_keeps_what_twilio_said(twilio: TwilioDouble) -> None:
    twilio.will(Reject(20429, 429, "Too Many Requests", retry_after="7"))
    with pytest.raises(ProviderRejectedError) as refused:
        provider(twilio).send(text())

    error = refused.value
    assert (error.code, error.http_status, error.retry_after) == (20429, 429, timedelta(seconds=7))


def test_a_refusal_without_a_body_keeps_its_status(twilio: TwilioDouble) -> None:
    twilio.will(Reject(None, 502))
    with pytest.raises(ProviderRejectedError) as refused:
        provider(twilio).send(text())

    assert (refused.value.code, refused.value.http_status) == (None, 502)


def test_wrong_credentials_are_a_refusal(twilio: TwilioDouble) -> None:
    with pytest.raises(ProviderRejectedError) as refused:
        provider(twilio, token="wrong").send(text())

    assert (refused.value.code, refused.value.http_status) == (20003, 401)


@pytest.mark.parametrize("behaviour", [Hang(), AcceptThenHang(), AcceptThenDrop(), AcceptThenGarble()])
def test_a_lost_answer_is_an_unknown_outcome_and_not_repeated(
    twilio: TwilioDouble, behaviour: Hang | AcceptThenHang | AcceptThenDrop | AcceptThenGarble
) -> None:
    twilio.will(behaviour)
    with pytest.raises(OutcomeUnknownError):
        provider(twilio).send(text())

    assert len(twilio.requests) == 1


def test_an_unreachable_provider_was_surely_not_reached() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    sms = TwilioSms("AC1", "token", TwilioTransport(f"http://127.0.0.1:{port}", connect_seconds=1))
    with pytest.raises(ProviderRejectedError) as refused:
        sms.send(text())

    assert (refused.value.code, refused.value.http_status) == (None, 0)


def test_a_name_that_does_not_resolve_was_surely_not_reached() -> None:
    sms = TwilioSms("AC1", "token", TwilioTransport("http://nowhere.invalid", connect_seconds=1))
    with pytest.raises(ProviderRejectedError) as refused:
        sms.send(text())

    assert refused.value.http_status == 0


@pytest.mark.parametrize("behaviour", [AcceptThenHang(), AcceptThenFail()])
def test_a_message_whose_answer_was_lost_is_found(
    twilio: TwilioDouble, behaviour: AcceptThenHang | AcceptThenFail
) -> None:
    sms, started = text(), datetime.now(UTC)
    twilio.will(behaviour)
    with pytest.raises((OutcomeUnknownError, ProviderRejectedError)):
        provider(twilio).send(sms)

    assert [a.provider_id for a in provider(twilio).find(sms, started)] == [twilio.messages[0].sid]


def test_a_message_that_still_waits_in_the_senders_queue_is_found(twilio: TwilioDouble) -> None:
    twilio.keep_queued()
    sms, started = text(), datetime.now(UTC)
    accepted = provider(twilio).send(sms)

    assert provider(twilio).find(sms, started) == [accepted]


def test_only_the_same_text_from_the_same_sender_since_then_is_found(twilio: TwilioDouble) -> None:
    sms = text()
    service = "MG" + "0" * 32
    for other in (text("Another text."), text(number="+15005550007"), text(number=None, service=service)):
        provider(twilio).send(other)
    assert provider(twilio).find(sms, datetime.now(UTC)) == []

    provider(twilio).send(sms)
    assert provider(twilio).find(sms, datetime.now(UTC) + timedelta(minutes=5)) == []
    assert len(provider(twilio).find(sms, datetime.now(UTC))) == 1
    assert len(provider(twilio).find(text(number=None, service=service), datetime.now(UTC))) == 1


def test_a_message_is_fetched_by_its_id(twilio: TwilioDouble) -> None:
    sms = provider(twilio)
    accepted = sms.send(text())
    assert sms.fetch(accepted.provider_id) == Report("queued", None)

    twilio.messages[0].status, twilio.messages[0].error_code = "undelivered", 30003
    assert sms.fetch(accepted.provider_id) == Report("undelivered", "30003")
    assert [request.method for request in twilio.requests] == ["POST", "GET", "GET"]


def test_a_message_that_twilio_does_not_know_is_none(twilio: TwilioDouble) -> None:
    assert provider(twilio).fetch("SM" + "0" * 32) is None


def test_a_message_that_cannot_be_fetched_is_not_taken_for_unknown(twilio: TwilioDouble) -> None:
    accepted = provider(twilio).send(text())
    twilio.refuse_lists(Reject(20503, 503))
    with pytest.raises(ProviderRejectedError):
        provider(twilio).fetch(accepted.provider_id)
    with pytest.raises(ProviderRejectedError):
        provider(twilio, token="wrong").fetch(accepted.provider_id)


def test_no_request_is_logged_with_a_number_or_a_text(twilio: TwilioDouble, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        sms = text()
        provider(twilio).send(sms)
        provider(twilio).find(sms, datetime.now(UTC))

    assert "5005550001" not in caplog.text
    assert "We open" not in caplog.text
    assert twilio.auth_token not in caplog.text


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, None),
        ("0", timedelta(0)),
        ("30", timedelta(seconds=30)),
        (" 5 ", timedelta(seconds=5)),
        ("999999999", timedelta(days=1)),
        ("99999999999999999999", None),
        ("-5", None),
        ("soon", None),
        ("Sat, 21 Nov 2026 12:01:00 GMT", timedelta(minutes=1)),
        ("Sat, 21 Nov 2026 11:00:00 GMT", timedelta(0)),
    ],
)
def test_retry_after(header: str | None, expected: timedelta | None) -> None:
    assert retry_after(header, NOW) == expected
