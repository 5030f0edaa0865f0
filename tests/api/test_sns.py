"""Which messages of SNS are believed: those that its own host's certificate signed, for a topic of ours."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import given
from hypothesis import strategies as st

from api.aws_pages import HttpsPages
from api.sns import SnsRefusedError, SnsUnavailableError, SnsUnreadableError, SnsVerifier, read_message
from tests.support.sns_messages import (
    CERTIFICATE_URL,
    HOST,
    TOPIC,
    Pages,
    certificate,
    confirmation,
    encoded,
    notification,
    signed,
    subscribe_url,
)


def verify(document: dict[str, Any], pages: Pages | None = None, topics: frozenset[str] = frozenset({TOPIC})) -> None:
    SnsVerifier(topics, pages or Pages()).verify(read_message(encoded(document)))


@pytest.mark.parametrize("version", ["1", "2"])
@pytest.mark.parametrize("kind", ["Notification", "SubscriptionConfirmation", "UnsubscribeConfirmation"])
def test_what_sns_signed_is_believed(kind: str, version: str) -> None:
    document = notification('{"a": "ü\\n"}') if kind == "Notification" else confirmation(kind)
    verify(signed(document, version=version))
    document.pop("Subject", None)
    verify(signed(document, version=version))


@pytest.mark.parametrize("name", ["Message", "MessageId", "Subject", "Timestamp", "TopicArn"])
def test_a_changed_notification_is_not_believed(name: str) -> None:
    document = signed(notification("A text"))
    topics = frozenset({TOPIC, f"{TOPIC}x"})
    with pytest.raises(SnsRefusedError, match="signature is wrong"):
        verify(document | {name: f"{document[name]}x"}, topics=topics)


@pytest.mark.parametrize("name", ["Token", "SubscribeURL", "Message"])
def test_a_changed_confirmation_is_not_believed(name: str) -> None:
    document = signed(confirmation())
    with pytest.raises(SnsRefusedError, match="signature is wrong"):
        verify(document | {name: f"{document[name]}x"})


def test_a_notification_can_not_pass_for_a_confirmation() -> None:
    document = signed(notification("A text"))
    with pytest.raises(SnsRefusedError, match="signature is wrong"):
        verify(confirmation() | {name: document[name] for name in ("Signature", "SignatureVersion", "SigningCertURL")})


def test_another_key_is_not_believed() -> None:
    with pytest.raises(SnsRefusedError, match="signature is wrong"):
        verify(signed(notification("x"), key=rsa.generate_private_key(public_exponent=65537, key_size=2048)))


@pytest.mark.parametrize("changed", [{"Signature": "?"}, {"Signature": ""}, {"SignatureVersion": "3"}])
def test_a_signature_that_can_not_be_checked_is_not_believed(changed: dict[str, str]) -> None:
    with pytest.raises(SnsRefusedError):
        verify(signed(notification("x")) | changed)


@pytest.mark.parametrize("topics", [frozenset[str](), frozenset({f"{TOPIC}-another"})])
def test_a_topic_that_is_not_ours_is_refused_before_anything_is_fetched(topics: frozenset[str]) -> None:
    pages = Pages()
    with pytest.raises(SnsRefusedError, match="topic"):
        verify(signed(notification("x")), pages, topics)
    assert pages.fetched == []


HOSTILE = [
    "http://sns.eu-west-1.amazonaws.com/x.pem",
    "https://sns.eu-west-1.amazonaws.com.evil.example/x.pem",
    "https://evil.example/sns.eu-west-1.amazonaws.com/x.pem",
    "https://sns.eu-west-1.amazonaws.com@evil.example/x.pem",
    "https://evil@sns.eu-west-1.amazonaws.com/x.pem",
    "https://sns.eu-west-1.amazonaws.com:8443/x.pem",
    "https://sns.us-east-1.amazonaws.com/x.pem",
    "https://sns.s3.amazonaws.com/x.pem",
    "https://sns.eu-west-1.amazonaws.com.cn/x.pem",
    "https://SNS.eu-west-1.amazonaws.com\t/x.pem",
    "https://[::1/x.pem",
    "file:///etc/ssl/x.pem",
    "",
]


@pytest.mark.parametrize("url", HOSTILE)
def test_a_certificate_from_anywhere_else_is_not_fetched(url: str) -> None:
    pages = Pages({url: certificate()})
    with pytest.raises(SnsRefusedError, match="address"):
        verify(signed(notification("x")) | {"SigningCertURL": url}, pages)
    assert pages.fetched == []


@pytest.mark.parametrize("rest", ["/x.pem?a=1", "/x.pem#a", "/x.txt", "/a/../x.pem", "/", "/x.pem/y", "/%2e.pem"])
def test_another_page_of_the_right_host_is_not_fetched(rest: str) -> None:
    pages = Pages({HOST + rest: certificate()})
    with pytest.raises(SnsRefusedError, match="address"):
        verify(signed(notification("x")) | {"SigningCertURL": HOST + rest}, pages)
    assert pages.fetched == []


@pytest.mark.parametrize(
    "page",
    [
        certificate(begins=timedelta(days=1), ends=timedelta(days=2)),
        certificate(begins=timedelta(days=-2), ends=timedelta(days=-1)),
        certificate(ec.generate_private_key(ec.SECP256R1())),
        b"<html>",
        b"",
    ],
    ids=["not yet valid", "expired", "another kind of key", "a page", "nothing"],
)
def test_a_certificate_that_is_none_or_out_of_date_proves_nothing(page: bytes) -> None:
    with pytest.raises(SnsRefusedError, match="certificate"):
        verify(signed(notification("x")), Pages({CERTIFICATE_URL: page}))


def test_a_certificate_is_fetched_once_and_again_when_it_has_run_out() -> None:
    pages, now = Pages(), [datetime.now(UTC)]
    verifier = SnsVerifier(frozenset({TOPIC}), pages, now=lambda: now[0])
    messages = [read_message(encoded(signed(notification(f"{n}")))) for n in range(16)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(verifier.verify, messages))
    assert pages.fetched == [CERTIFICATE_URL]

    now[0] += timedelta(days=31)
    pages.pages[CERTIFICATE_URL] = certificate(ends=timedelta(days=90))
    with pytest.raises(SnsRefusedError, match="not valid"):
        verifier.verify(messages[0])
    verifier.verify(messages[0])


def test_a_certificate_that_can_not_be_fetched_decides_nothing() -> None:
    with pytest.raises(SnsUnavailableError):
        verify(signed(notification("x")), Pages({}))


def test_a_subscription_is_confirmed_at_the_address_in_the_message() -> None:
    pages = Pages()
    pages.pages[subscribe_url()] = b"<ConfirmSubscriptionResponse/>"
    SnsVerifier(frozenset({TOPIC}), pages).confirm(read_message(encoded(signed(confirmation()))))
    assert pages.fetched == [subscribe_url()]


@pytest.mark.parametrize(
    "url",
    [
        *HOSTILE,
        subscribe_url("Unsubscribe"),
        subscribe_url("DeleteTopic"),
        subscribe_url(topic=f"{TOPIC}x"),
        f"{HOST}/?Action=ConfirmSubscription",
    ],
)
def test_no_other_address_is_visited_to_confirm_a_subscription(url: str) -> None:
    pages = Pages({url: b""})
    with pytest.raises(SnsRefusedError, match="address"):
        SnsVerifier(frozenset({TOPIC}), pages).confirm(read_message(encoded(signed(confirmation(SubscribeURL=url)))))
    assert pages.fetched == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b"\xff\xfe",
        b"[" * 60_000,
        encoded({"Type": "Notification"}),
        encoded(signed(notification("x")) | {"Type": "Else"}),
        encoded(signed(notification("x")) | {"Message": {"not": "a text"}}),
    ],
    ids=lambda body: str(body[:10]),
)
def test_what_is_no_message_is_unreadable(body: bytes) -> None:
    with pytest.raises(SnsUnreadableError):
        read_message(body)


@given(st.dictionaries(st.sampled_from([*signed(notification("x"))]), st.text() | st.none() | st.integers()))
def test_no_message_does_worse_than_being_refused(changed: dict[str, object]) -> None:
    document = signed(notification("x"))
    unchanged = all(document[name] == value for name, value in changed.items() if name != "UnsubscribeURL")
    try:
        verify(document | changed)
    except (SnsUnreadableError, SnsRefusedError, SnsUnavailableError):
        return
    assert unchanged or set(changed) <= {"UnsubscribeURL"}


class _Redirecting(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/away":
            self.send_response(302)
            self.send_header("Location", "/page")
        else:
            self.send_response(200)
        self.end_headers()
        if self.path != "/away":
            self.wfile.write(b"x" * (100_000 if self.path == "/large" else 10))

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class's name
        """Keep quiet."""


@pytest.fixture
def site() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Redirecting) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_page_is_fetched_from_its_very_address_and_no_larger_than_a_certificate(site: str) -> None:
    assert HttpsPages().get(f"{site}/page") == b"x" * 10
    for path in ("/away", "/large"):
        with pytest.raises(SnsUnavailableError):
            HttpsPages().get(site + path)


def test_a_page_of_a_server_that_is_away_is_not_there() -> None:
    with pytest.raises(SnsUnavailableError, match="did not answer"):
        HttpsPages().get("https://127.0.0.1:1/page")
