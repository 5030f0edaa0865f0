"""What an OpenID provider may make us do: nothing large, nothing long, and no call to where it has no business."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

import pytest

from domain.access.openid_ports import Attempt, ProviderAwayError
from providers.oidc.client import OidcClient
from providers.oidc.guarded import LARGEST, guard_for
from providers.oidc.metadata import Published
from providers.webhooks.addresses import networks
from providers.webhooks.ask import Guard

HERE: Final = networks("127.0.0.1/32")
ATTEMPT: Final = Attempt("a state", "a nonce", "v" * 43)
DISCOVERY: Final = "/.well-known/openid-configuration"


@dataclass
class Odd:
    """A provider that answers as a test says; `asked` are the paths."""

    port: int = 0
    says: dict[str, object] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    @property
    def issuer(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def metadata(self, **changes: str) -> dict[str, str]:
        places = {"authorization_endpoint": "/authorize", "token_endpoint": "/token", "jwks_uri": "/keys"}
        return {"issuer": self.issuer, **{name: self.issuer + path for name, path in places.items()}} | changes


@pytest.fixture
def odd() -> Iterator[Odd]:
    state = Odd()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            state.asked.append(self.path)
            said = state.says.get(self.path, {})
            if said == "elsewhere":
                self.send_response(302)
                self.send_header("Location", f"{state.issuer}/inside")
                self.end_headers()
                return
            self.send_response(200)
            self.end_headers()
            if said == "drips":
                while not state.over.wait(0.05):
                    self.wfile.write(b" ")
            elif said == "much":
                self.wfile.write(b" " * (LARGEST + 1))
            else:
                self.wfile.write(json.dumps(said).encode())

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            self.do_GET()

        def log_message(self, *_: object) -> None:
            """Keep the tests' output clean."""

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_: object) -> None:
            """Let callers hang up."""

    server = Server(("127.0.0.1", 0), Handler)
    state.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), name="odd-provider")
    thread.start()
    try:
        yield state
    finally:
        state.over.set()
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize("said", ["much", "drips", "elsewhere"])
@pytest.mark.parametrize("path", [DISCOVERY, "/keys"])
def test_no_answer_is_read_without_an_end_nor_looked_for_elsewhere(odd: Odd, said: str, path: str) -> None:
    odd.says = {DISCOVERY: odd.metadata(), path: said}
    published = Published(odd.issuer, Guard(0.5, LARGEST, https_only=False, allowed=HERE))
    with pytest.raises(ProviderAwayError):
        published.key("key-1")
    assert odd.asked[-1] == path


@pytest.mark.parametrize("said", ["much", "elsewhere"])
def test_nor_is_a_token(odd: Odd, said: str) -> None:
    odd.says = {DISCOVERY: odd.metadata(), "/token": said}
    client = OidcClient(odd.issuer, "gatehouse", "secret", allowed=HERE)
    with pytest.raises(ProviderAwayError):
        client.identify(ATTEMPT, "a code", "https://gatehouse.example/back")
    assert odd.asked == [DISCOVERY, "/token"]


def test_an_issuer_in_a_private_network_is_asked_only_when_the_settings_say_so(odd: Odd) -> None:
    odd.says = {DISCOVERY: odd.metadata()}
    with pytest.raises(ProviderAwayError):
        Published(odd.issuer, guard_for(odd.issuer)).metadata()
    assert odd.asked == []
    assert Published(odd.issuer, guard_for(odd.issuer, HERE)).metadata().issuer == odd.issuer


@pytest.mark.parametrize("endpoint", ["token_endpoint", "jwks_uri"])
def test_endpoints_that_the_provider_names_lead_to_no_other_private_address(odd: Odd, endpoint: str) -> None:
    inside = f"http://127.0.0.2:{odd.port}/inside"
    odd.says = {DISCOVERY: odd.metadata(**{endpoint: inside}), "/token": {"id_token": "x.y.z", "access_token": "a"}}
    client = OidcClient(odd.issuer, "gatehouse", None, allowed=HERE)
    with pytest.raises(ProviderAwayError):
        if endpoint == "jwks_uri":
            Published(odd.issuer, guard_for(odd.issuer, HERE)).key("key-1")
        else:
            client.identify(ATTEMPT, "a code", "https://gatehouse.example/back")
    assert "/inside" not in odd.asked
