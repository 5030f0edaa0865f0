"""A receiver of webhooks on loopback that keeps what it gets and behaves as told, over HTTP or HTTPS."""

from __future__ import annotations

import datetime as dt
import ipaddress
import ssl
import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from standardwebhooks import Webhook

Respond = Callable[["Handler"], None]


@dataclass(frozen=True, slots=True)
class Received:
    """One call as it arrived."""

    path: str
    headers: Mapping[str, str]
    body: bytes

    def verified(self, secret: str) -> dict[str, Any]:
        """Return the document, as a receiver reads it with the library; raises when the signature is wrong."""
        document: dict[str, Any] = Webhook(secret).verify(self.body, dict(self.headers))
        return document


@dataclass
class _State:
    responses: deque[Respond] = field(default_factory=deque)
    received: list[Received] = field(default_factory=list)
    closing: threading.Event = field(default_factory=threading.Event)


class Receiver:
    """The server; a context manager. Behaviours are used up one a call, in order; without any it answers 204."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self._state = _State()
        self._server = _Server(self._state, tls)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._scheme = "https" if tls else "http"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._state.closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def port(self) -> int:
        """The port."""
        return int(self._server.server_address[1])

    def url(self, host: str = "127.0.0.1", path: str = "/in") -> str:
        """Return a URL that leads here, if `host` does."""
        return f"{self._scheme}://{host}:{self.port}{path}"

    @property
    def received(self) -> list[Received]:
        """What was received, in order."""
        return list(self._state.received)

    def will(self, *responses: Respond | int) -> None:
        """Behave so at the next calls; a number is a status without more."""
        self._state.responses.extend(answering(one) if isinstance(one, int) else one for one in responses)


def answering(status: int, body: bytes = b"", **headers: str) -> Respond:
    """Answer; an underscore in a header's name is a dash."""

    def respond(handler: Handler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return respond


def raw(content: bytes) -> Respond:
    """Answer with these bytes, whatever they mean, and close the connection."""

    def respond(handler: Handler) -> None:
        handler.wfile.write(content)
        handler.close_connection = True

    return respond


def dripping(start: bytes, every: float = 0.05, drop: bytes = b"x") -> Respond:
    """Send `start` at once and then one drop at a time, without an end."""

    def respond(handler: Handler) -> None:
        handler.wfile.write(start)
        while not handler.state.closing.wait(every):
            handler.wfile.write(drop)
        handler.close_connection = True

    return respond


def silent(handler: Handler) -> None:
    """Never answer."""
    handler.state.closing.wait(30)
    handler.close_connection = True


class Handler(BaseHTTPRequestHandler):
    """One connection; what behaviours act on."""

    protocol_version = "HTTP/1.1"
    state: _State

    def setup(self) -> None:
        assert isinstance(self.server, _Server)
        self.state = self.server.state
        if self.server.tls is not None:
            self.request = self.server.tls.wrap_socket(self.request, server_side=True)
        super().setup()

    def finish(self) -> None:
        super().finish()
        # Within TLS this is another socket than the one that the server closes.
        self.request.close()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.state.received.append(Received(self.path, headers, body))
        respond = self.state.responses.popleft() if self.state.responses else answering(204)
        respond(self)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class names it so
        """Say nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, state: _State, tls: ssl.SSLContext | None) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.state = state
        self.tls = tls

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: a caller that hangs up or refuses the certificate is what some tests are about."""


@dataclass(frozen=True, slots=True)
class Authority:
    """A certificate authority of a test: what its servers show, and what trusts them."""

    directory: Path
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @classmethod
    def new(cls, directory: Path) -> Authority:
        """Make an authority that keeps its files in a directory."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = _name("Test authority")
        certificate = (
            _certificate(name, name, key.public_key())
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(key, hashes.SHA256())
        )
        return cls(directory, certificate, key)

    def server(self, *names: str, days: int = 1) -> ssl.SSLContext:
        """Return what a server of these names and addresses shows; it expired when `days` is negative."""
        key = ec.generate_private_key(ec.SECP256R1())
        alternatives = x509.SubjectAlternativeName([_alternative(name) for name in names])
        signed = (
            _certificate(_name(names[0]), self.certificate.subject, key.public_key(), days)
            .add_extension(alternatives, critical=False)
            .sign(self.key, hashes.SHA256())
        )
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        path = self.directory / f"{names[0]}{days}.pem"
        path.write_bytes(private + signed.public_bytes(serialization.Encoding.PEM))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context

    def client(self) -> ssl.SSLContext:
        """Return what trusts this authority alone."""
        return ssl.create_default_context(cadata=self.certificate.public_bytes(serialization.Encoding.PEM).decode())


def _name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _alternative(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _certificate(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, days: int = 1
) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=9))
        .not_valid_after(now + dt.timedelta(days=days))
    )
