"""The SES adapter: AWS's own client against moto where things go well, and a double of the wire where they don't."""

from __future__ import annotations

import logging
import socket
from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID

import boto3
import pytest
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.server import ThreadedMotoServer
from moto.ses.models import ses_backends

from domain.delivery.errors import OutcomeUnknownError, ProviderRejectedError
from domain.delivery.policy import NAMED_ERRORS, ErrorClass, meaning
from domain.delivery.ports import ATTEMPT_TAG, Accepted, OutgoingEmail
from domain.kernel.ids import new_id
from providers.ses.email import SesEmail
from tests.support.aws import REGION, name_account
from tests.support.eventually import eventually
from tests.support.ses_double import Answer, Drop, Hang, SesDouble

FROM = "alerts@gatehouse.test"
OWNER = "owner@harbor-plumbing.example"


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    name_account(monkeypatch)
    return monkeypatch


@pytest.fixture
def moto(aws: pytest.MonkeyPatch) -> Iterator[None]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    aws.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
    yield
    server.stop()


@pytest.fixture
def double(aws: pytest.MonkeyPatch) -> Iterator[SesDouble]:
    with SesDouble() as double:
        aws.setenv("AWS_ENDPOINT_URL", double.url)
        yield double


def email(**changes: object) -> OutgoingEmail:
    given: dict[str, object] = {
        "attempt_id": new_id(),
        "org_id": new_id(),
        "client_id": new_id(),
        "to": OWNER,
        "subject": "A call-back request ☎",
        "body": "Please call.",
        "html_body": "<p>Please call.</p>",
        "sender_name": "Harbor Plumbing",
    }
    return OutgoingEmail(**(given | changes))  # type: ignore[arg-type]


def provider(configuration_set: str | None = None) -> SesEmail:
    return SesEmail(FROM, configuration_set, connect_seconds=1, read_seconds=0.3)


@pytest.mark.usefixtures("moto")
def test_an_email_is_taken_by_an_account_that_has_verified_its_sender() -> None:
    boto3.session.Session(region_name=REGION).client("sesv2").create_email_identity(EmailIdentity=FROM)
    accepted = provider().send(email())

    (message,) = ses_backends[DEFAULT_ACCOUNT_ID][REGION].sent_messages
    assert accepted == Accepted(message.id, "accepted")
    assert (message.source, message.subject) == (f"Harbor Plumbing via Gatehouse <{FROM}>", "A call-back request ☎")
    assert message.destinations["ToAddresses"] == [OWNER]


@pytest.mark.usefixtures("moto")
def test_a_sender_that_is_not_verified_is_refused() -> None:
    with pytest.raises(ProviderRejectedError) as refused:
        SesEmail("somebody-else@gatehouse.test", None).send(email())
    assert (refused.value.name, refused.value.http_status) == ("MessageRejected", 400)


def test_the_request_carries_both_texts_the_headers_and_the_attempt(double: SesDouble) -> None:
    attempt = UUID("01930000-0000-7000-8000-00000000abcd")
    headers = {"List-Unsubscribe": "<https://gatehouse.test/unsubscribe/x>"}
    sent = provider("gatehouse").send(email(attempt_id=attempt, headers=headers, sender_name="Häfen\r\nBcc: x"))

    assert sent == Accepted("ses-1", "accepted")
    (request,) = double.emails
    simple = request["Content"]["Simple"]
    assert simple["Subject"]["Data"] == "A call-back request ☎"
    assert simple["Body"] == {
        "Text": {"Data": "Please call.", "Charset": "UTF-8"},
        "Html": {"Data": "<p>Please call.</p>", "Charset": "UTF-8"},
    }
    assert simple["Headers"] == [{"Name": "List-Unsubscribe", "Value": headers["List-Unsubscribe"]}]
    assert request["EmailTags"] == [{"Name": ATTEMPT_TAG, "Value": str(attempt)}]
    assert request["ConfigurationSetName"] == "gatehouse"
    assert request["FromEmailAddress"].startswith("=?utf-8?")
    assert "\n" not in request["FromEmailAddress"]


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("com.amazonaws.ses#BadRequestException", 400),
        ("MessageRejected", 400),
        ("AccountSuspendedException", 400),
        ("SendingPausedException", 400),
        ("MailFromDomainNotVerifiedException", 400),
        ("NotFoundException", 404),
        ("ExpiredTokenException", 403),
    ],
)
def test_a_refusal_says_its_name_and_is_not_repeated(double: SesDouble, name: str, status: int) -> None:
    double.will(Answer(status, name, "Why."))
    with pytest.raises(ProviderRejectedError) as refused:
        provider().send(email())
    assert (refused.value.name, refused.value.http_status) == (name.rpartition("#")[2], status)
    assert refused.value.message == "Why."
    assert len(double.emails) == 1


@pytest.mark.parametrize(
    ("name", "status"),
    [("TooManyRequestsException", 429), ("LimitExceededException", 400), ("ThrottlingException", 400)],
)
def test_a_throttled_call_says_so_and_how_long_to_wait(double: SesDouble, name: str, status: int) -> None:
    double.will(Answer(status, name, headers={"Retry-After": "7"}))
    with pytest.raises(ProviderRejectedError) as refused:
        provider().send(email())
    assert (refused.value.name, refused.value.http_status) == (name, 429)
    assert refused.value.retry_after == timedelta(seconds=7)


@pytest.mark.parametrize(
    "fault",
    [
        Answer(500, "InternalServiceErrorException"),
        Answer(503, body=b"<html>"),
        Drop(),
        Hang(),
        Answer(200, body=b"{nonsense"),
        Answer(200, body=b"{}"),
    ],
    ids=lambda fault: str(getattr(fault, "status", type(fault).__name__)),
)
def test_an_answer_that_does_not_come_leaves_the_outcome_unknown(
    double: SesDouble, fault: Answer | Drop | Hang
) -> None:
    double.will(fault)
    with pytest.raises(OutcomeUnknownError):
        provider().send(email())
    assert len(double.emails) == 1


def test_without_a_connection_it_was_surely_not_sent(aws: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    aws.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
    with pytest.raises(ProviderRejectedError) as refused:
        provider().send(email())
    assert (refused.value.http_status, refused.value.name) == (0, None)


def test_missing_credentials_are_said_to_be_missing(double: SesDouble, aws: pytest.MonkeyPatch) -> None:
    aws.delenv("AWS_ACCESS_KEY_ID")
    with pytest.raises(ProviderRejectedError) as refused:
        provider().send(email())
    assert refused.value.name == "NoCredentials"
    assert double.emails == []


def test_what_ses_would_not_take_is_not_sent(double: SesDouble) -> None:
    with pytest.raises(ProviderRejectedError) as refused:
        provider().send(email(headers={"": "x"}))
    assert refused.value.name == "BadRequestException"
    assert double.emails == []


def test_the_accounts_send_rate_is_kept(double: SesDouble) -> None:
    double.max_send_rate = 0.1
    ses = provider()
    ses.send(email())
    assert double.asked_for_rate.wait(5)

    # The first one after the rate is known has its turn; the next would have it in ten seconds.
    def refused() -> ProviderRejectedError | None:
        try:
            ses.send(email())
        except ProviderRejectedError as error:
            return error
        return None

    error = eventually(refused)
    assert error is not None
    assert (error.name, error.http_status) == ("SendRateReached", 429)
    assert error.retry_after is not None
    assert timedelta(seconds=8) < error.retry_after <= timedelta(seconds=10)


def test_every_error_that_ses_documents_has_a_meaning(double: SesDouble) -> None:
    del double
    documented = (
        boto3.session.Session(region_name=REGION)
        .client("sesv2")
        .meta.service_model.operation_model("SendEmail")
        .error_shapes
    )
    assert {shape.name for shape in documented} <= NAMED_ERRORS.keys()
    assert meaning(None, 429, "TooManyRequestsException").error_class is ErrorClass.BACK_OFF


def test_nothing_of_an_email_is_logged(double: SesDouble, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    double.will(Answer(400, "MessageRejected"))
    with pytest.raises(ProviderRejectedError):
        provider().send(email())
    assert not any(secret in caplog.text for secret in (OWNER, "Please call", "call-back"))
