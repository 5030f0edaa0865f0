"""`gatehouse demo send` texts an api as Twilio does, and shows what became of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import pytest
from twilio.request_validator import RequestValidator

if TYPE_CHECKING:
    from tests.cli.conftest import Environment, Run

CORRELATION_ID = "01a1fd30-d164-72e3-bc7f-d592257de121"
ADMIN_TOKEN = "admin-token-for-tests-0123456789"
AUTH_TOKEN = "twilio-token-for-tests"
STEPS = [
    {"offset_ms": 0.0, "what": "Text received", "outcome": "accepted", "detail": ""},
    {"offset_ms": 249.8, "what": "Reply sent", "outcome": "sent", "detail": "sandbox"},
]


class Api(BaseHTTPRequestHandler):
    """The two routes of the api that a customer and an observer see; the reply is there at the third look."""

    looks: list[str]
    texts: list[dict[str, str]]
    replies = True

    def do_POST(self) -> None:
        """Take a text that Twilio's own validator finds rightly signed."""
        form = dict(parse_qsl(self.rfile.read(int(self.headers["Content-Length"])).decode()))
        url = f"http://{self.headers['Host']}{self.path}"
        if not RequestValidator(AUTH_TOKEN).validate(url, form, self.headers["X-Twilio-Signature"]):
            self._answer(403, {"detail": "The request is not signed."})
            return
        self.texts.append(form)
        self._answer(200, {}, {"X-Correlation-Id": CORRELATION_ID})

    def do_GET(self) -> None:
        """Show the journey to who may see it."""
        if self.headers["Authorization"] != f"Bearer {ADMIN_TOKEN}":
            self._answer(401, {"detail": "Send the admin token."})
            return
        self.looks.append(self.path)
        finished = self.replies and len(self.looks) > 2
        journey = {
            "finished": finished,
            "headline": "Answered" if finished else "Under way",
            "reply": "We open at 8." if finished else None,
            "steps": STEPS if finished else STEPS[:1],
        }
        self._answer(200 if len(self.looks) > 1 else 404, journey)

    def _answer(self, status: int, document: dict[str, Any], headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(json.dumps(document).encode())

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


@pytest.fixture
def api() -> Iterator[tuple[Environment, Any]]:
    """Give the settings of an api, and the double that stands in for it."""
    double: Any = type("Double", (Api,), {"looks": [], "texts": []})
    with HTTPServer(("127.0.0.1", 0), double) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        settings = {
            "GATEHOUSE_DATABASE_URL": "postgresql://127.0.0.1:1/none",
            "GATEHOUSE_PLATFORM_DATABASE_URL": "postgresql://127.0.0.1:1/none",
            "GATEHOUSE_BROKER_URL": "redis://127.0.0.1:1/0",
            "GATEHOUSE_REDIS_URL": "redis://127.0.0.1:1/0",
            "GATEHOUSE_SECRET_KEY": "secret-key-for-tests-0123456789-0123456789",
            "GATEHOUSE_ADMIN_TOKEN": ADMIN_TOKEN,
            "GATEHOUSE_TWILIO__AUTH_TOKEN": AUTH_TOKEN,
            "GATEHOUSE_PUBLIC_URL": f"http://127.0.0.1:{server.server_port}",
        }
        yield settings, double
        server.shutdown()
        thread.join()


def test_a_text_is_sent_signed_and_its_reply_shown(gatehouse: Run, api: tuple[Environment, Any]) -> None:
    settings, double = api
    ended = gatehouse("demo", "send", "When do you open? ümlaut & more", settings=settings)
    assert ended.status == 0, ended.err
    (text,) = double.texts
    assert (text["Body"], text["From"], text["To"]) == (
        "When do you open? ümlaut & more",
        "+15005550001",
        "+15005550006",
    )
    assert ended.out.startswith("We open at 8.\n\nAnswered\n")
    assert "250 ms" in ended.out
    assert ended.out.endswith(f"{settings['GATEHOUSE_PUBLIC_URL']}/dashboard/journeys/{CORRELATION_ID}\n")


def test_what_is_not_finished_in_time_is_shown_and_fails(gatehouse: Run, api: tuple[Environment, Any]) -> None:
    settings, double = api
    double.replies = False
    double.looks.append("an earlier look")
    ended = gatehouse("demo", "send", "hello", "--wait", "0", settings=settings)
    assert ended.status == 1
    assert "Text received" in ended.out
    assert ended.err.startswith("It was not finished within 0 s.")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"GATEHOUSE_TWILIO__AUTH_TOKEN": "another"}, "The api refused the text: The request is not signed."),
        ({"GATEHOUSE_ADMIN_TOKEN": "another-admin-token"}, "The api does not show the journey: Send the admin token."),
        ({"GATEHOUSE_ADMIN_TOKEN": ""}, "Set GATEHOUSE_TWILIO__AUTH_TOKEN and GATEHOUSE_ADMIN_TOKEN"),
        ({"GATEHOUSE_PUBLIC_URL": "http://127.0.0.1:1"}, "127.0.0.1:1 does not answer: "),
    ],
)
def test_what_goes_wrong_is_told_in_words(
    gatehouse: Run, api: tuple[Environment, Any], change: Environment, words: str
) -> None:
    settings, _ = api
    ended = gatehouse("demo", "send", "hello", "--wait", "0", settings=settings | change)
    assert ended.status == 1
    assert ended.err.startswith(words)
    assert ended.err.count("\n") == 1
