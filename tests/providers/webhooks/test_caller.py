"""One call against a real server: what is sent, what is understood, and what is never called or waited for."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from domain.webhooks.ports import Answer
from providers.webhooks.addresses import networks
from providers.webhooks.caller import HttpWebhooks
from tests.support.webhook_receiver import Authority, Receiver, answering, dripping, raw, silent

LOOPBACK = networks("127.0.0.0/8")
SOON = 0.4


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as started:
        yield started


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    directory: Path = tmp_path_factory.mktemp("authority")
    return Authority.new(directory)


def caller(**changes: object) -> HttpWebhooks:
    given: dict[str, object] = {"https_only": False, "allowed": LOOPBACK, **changes}
    return HttpWebhooks(**given)  # type: ignore[arg-type]  # as each test wants it


def post(to: HttpWebhooks, url: str) -> Answer:
    return to.call(url, {"webhook-id": "1", "content-type": "application/json"}, b'{"a":1}')


def test_a_call_arrives_as_it_was_made(receiver: Receiver) -> None:
    answer = post(caller(), receiver.url(path="/in?a=b"))
    assert (answer.status, answer.error, answer.retry_after) == (204, None, None)
    (received,) = receiver.received
    assert (received.path, received.body) == ("/in?a=b", b'{"a":1}')
    assert received.headers["host"] == f"127.0.0.1:{receiver.port}"
    assert received.headers["webhook-id"] == "1"


@pytest.mark.parametrize("status", [200, 299, 400, 404, 410, 429, 500, 503])
def test_the_status_is_told(receiver: Receiver, status: int) -> None:
    receiver.will(answering(status, b"some words"))
    assert post(caller(), receiver.url()).status == status


def test_retry_after_is_told(receiver: Receiver) -> None:
    receiver.will(answering(503, Retry_After="120"))
    assert post(caller(), receiver.url()).retry_after == timedelta(seconds=120)


def test_a_redirect_is_not_followed(receiver: Receiver) -> None:
    with Receiver() as elsewhere:
        receiver.will(answering(307, Location=elsewhere.url()))
        assert post(caller(), receiver.url()).status == 307
        assert elsewhere.received == []


@pytest.mark.parametrize(
    "addresses",
    [
        ["127.0.0.1"],
        ["169.254.169.254"],
        ["10.0.0.1"],
        ["::1"],
        ["::ffff:10.0.0.1"],
        ["64:ff9b::a00:1"],
        ["fd00:ec2::254"],
        ["0.0.0.0"],  # noqa: S104  # what a name may lead to
        ["93.184.215.14", "127.0.0.1"],
    ],
)
def test_a_name_that_leads_inside_is_not_called(receiver: Receiver, addresses: Sequence[str]) -> None:
    guarded = caller(allowed=(), resolve=lambda _host, _port: addresses)
    answer = post(guarded, receiver.url("innocent.example"))
    assert answer.status is None
    assert answer.error is not None
    assert answer.error.startswith("The receiver's host leads to an address that is never called")
    assert not any(address in answer.error for address in addresses)
    assert receiver.received == []


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "127.1"])
def test_this_host_is_not_called_by_any_of_its_names(receiver: Receiver, host: str) -> None:
    answer = post(caller(allowed=()), receiver.url(host))
    assert (answer.status, receiver.received) == (None, [])
    assert answer.error is not None


def test_a_name_server_that_changes_its_mind_gets_nowhere() -> None:
    """The first look-up shows a public address, the next one this host: the connection is made by no second one."""
    asked = []

    def rebinding(_host: str, _port: int) -> Sequence[str]:
        asked.append(1)
        return ["192.0.2.1"] if len(asked) == 1 else ["127.0.0.1"]

    with Receiver() as inside:
        # The example address is opened here so that it counts as public; nobody answers there.
        guarded = caller(allowed=networks("192.0.2.0/24"), resolve=rebinding, call_seconds=SOON)
        assert post(guarded, inside.url("rebinding.example")).status is None
        assert (len(asked), inside.received) == (1, [])


def test_the_next_address_is_tried_when_one_does_not_answer(receiver: Receiver) -> None:
    found = ["127.0.0.99", "127.0.0.1"]
    answer = post(caller(resolve=lambda _host, _port: found), receiver.url("two.example"))
    assert answer.status == 204


@pytest.mark.parametrize(
    "behaviour",
    [
        silent,
        dripping(b""),
        dripping(b"HTTP/1.1 200 OK\r\nX: "),
        dripping(b"", drop=b"HTTP/1.1 100 Continue\r\n\r\n"),
    ],
    ids=["silent", "status", "headers", "endless 100"],
)
def test_a_receiver_that_takes_its_time_is_not_waited_for(receiver: Receiver, behaviour: object) -> None:
    receiver.will(behaviour)  # type: ignore[arg-type]
    started = time.monotonic()
    answer = post(caller(call_seconds=SOON), receiver.url())
    assert time.monotonic() - started < SOON + 0.5
    assert answer.status is None
    assert answer.error is not None
    assert SOON * 900 < answer.milliseconds < SOON * 1000 + 500


def test_a_receiver_that_does_not_read_is_not_waited_for() -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        url = f"http://127.0.0.1:{deaf.getsockname()[1]}/"
        answer = caller(call_seconds=SOON).call(url, {}, b"x" * 50_000_000)
    assert answer.status is None
    assert answer.error is not None
    assert answer.milliseconds < SOON * 1000 + 500


def test_a_name_server_that_takes_its_time_is_not_waited_for() -> None:
    def slow(_host: str, _port: int) -> Sequence[str]:
        time.sleep(SOON * 3)
        return ["127.0.0.1"]

    started = time.monotonic()
    answer = post(caller(resolve=slow, call_seconds=SOON), "http://slow.example/")
    assert time.monotonic() - started < SOON * 2
    assert answer.error == "The receiver's host could not be looked up in time."


@pytest.mark.parametrize(
    "behaviour",
    [
        answering(200, b"x" * 5_000_000),
        dripping(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"),
        raw(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\ncut off"),
    ],
    ids=["huge", "endless", "cut off"],
)
def test_once_there_is_a_status_the_body_does_not_matter(receiver: Receiver, behaviour: object) -> None:
    receiver.will(behaviour)  # type: ignore[arg-type]
    answer = post(caller(call_seconds=SOON), receiver.url())
    assert (answer.status, answer.error) == (200, None)
    assert answer.milliseconds < SOON * 1000 + 500


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b"", "The receiver's answer is not HTTP."),
        (b"220 mail.example ESMTP\r\n", "The receiver's answer is not HTTP."),
        (b"HTTP/1.1 200 OK\r\n" + b"X: " + b"a" * 200_000, "The receiver's answer is not HTTP."),
    ],
    ids=["nothing", "another protocol", "endless header"],
)
def test_what_is_no_answer_is_said_in_words(receiver: Receiver, content: bytes, error: str) -> None:
    receiver.will(raw(content))
    answer = post(caller(), receiver.url())
    assert (answer.status, answer.error) == (None, error)


def test_a_host_without_address_and_a_closed_port_are_said_in_words() -> None:
    def unknown(_host: str, _port: int) -> Sequence[str]:
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    assert post(caller(resolve=unknown), "http://no.example/").error == "The receiver's host has no address."
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    assert post(caller(), f"http://127.0.0.1:{port}/").error == "No connection to the receiver could be made."


def test_https_with_a_valid_certificate_is_called_by_name(authority: Authority) -> None:
    seen: list[str | None] = []
    tls = authority.server("hooks.example")
    tls.sni_callback = lambda _socket, name, _context: seen.append(name)
    with Receiver(tls) as receiver:
        secure = caller(https_only=True, ssl_context=authority.client(), resolve=lambda _h, _p: ["127.0.0.1"])
        assert post(secure, receiver.url("hooks.example")).status == 204
        assert receiver.received[0].headers["host"] == f"hooks.example:{receiver.port}"
    assert seen == ["hooks.example"]


@pytest.mark.parametrize(
    ("names", "days", "error"),
    [
        (["other.example"], 1, "The receiver's certificate is not valid: Hostname mismatch."),
        (["hooks.example"], -1, "The receiver's certificate is not valid: certificate has expired."),
    ],
)
def test_a_wrong_certificate_is_not_spoken_to(
    authority: Authority, names: Sequence[str], days: int, error: str
) -> None:
    with Receiver(authority.server(*names, days=days)) as receiver:
        secure = caller(ssl_context=authority.client(), resolve=lambda _h, _p: ["127.0.0.1"])
        answer = post(secure, receiver.url("hooks.example"))
        assert (answer.status, answer.error, receiver.received) == (None, error, [])


def test_an_unknown_authority_is_not_trusted(authority: Authority) -> None:
    with Receiver(authority.server("127.0.0.1")) as receiver:
        answer = post(caller(), receiver.url())
        assert answer.error is not None
        assert answer.error.startswith("The receiver's certificate is not valid: ")
        assert receiver.received == []


def test_plain_http_is_no_tls(receiver: Receiver) -> None:
    url = receiver.url().replace("http:", "https:")
    assert post(caller(), url).error == "No TLS connection to the receiver could be made."


def test_objections_are_raised_before_any_call() -> None:
    strict = HttpWebhooks()
    assert strict.objection("https://hooks.example.com/in") is None
    assert strict.objection("http://hooks.example.com/in") == "The URL must begin with https://."
    assert strict.objection("https://10.0.0.1/") == "That address is never called: a private network."
    assert strict.objection("https://[::1]/") == "That address is never called: not on the public Internet."
    assert caller().objection("http://127.0.0.1:8000/") is None
    assert strict.call("http://hooks.example.com/in", {}, b"").error == "The URL must begin with https://."
