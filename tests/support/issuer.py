"""An issuer of bearer tokens on loopback: its keys, the document that shows them, and tokens good and bad."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final, Self

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

ISSUER: Final = "https://issuer.example/"
AUDIENCE: Final = "gatehouse"


@dataclass(frozen=True)
class SigningKey:
    """A key pair of an issuer."""

    key_id: str
    private: PrivateKeyTypes
    algorithm: str

    @property
    def jwk(self) -> dict[str, Any]:
        """The public half, as key sets show it."""
        public = self.private.public_key()
        shown: dict[str, Any] = jwt.get_algorithm_by_name(self.algorithm).to_jwk(public, as_dict=True)
        return shown | {"kid": self.key_id, "alg": self.algorithm, "use": "sig"}

    @property
    def public_pem(self) -> bytes:
        """The public half, as somebody would misuse it for a shared secret."""
        public = self.private.public_key()
        pem: bytes = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        return pem


def rsa_key(key_id: str = "rsa-1", bits: int = 2048) -> SigningKey:
    return SigningKey(key_id, rsa.generate_private_key(65537, bits), "RS256")


def ec_key(key_id: str = "ec-1") -> SigningKey:
    return SigningKey(key_id, ec.generate_private_key(ec.SECP256R1()), "ES256")


def ed_key(key_id: str = "ed-1") -> SigningKey:
    return SigningKey(key_id, ed25519.Ed25519PrivateKey.generate(), "EdDSA")


def claims(**changes: object) -> dict[str, Any]:
    """Return what a good token claims; None takes a claim away."""
    now = int(time.time())
    good: dict[str, object] = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "stock-system",
        "iat": now,
        "nbf": now,
        "exp": now + 300,
        "org": "harbor-services",
        "roles": ["implementation_lead"],
    }
    return {name: value for name, value in (good | changes).items() if value is not None}


def token(key: SigningKey, said: dict[str, Any] | None = None, **header: object) -> str:
    """Return a token that is signed with `key`; `header` changes what its header says."""
    headers = {"kid": key.key_id} | header
    return jwt.encode(said or claims(), key.private, key.algorithm, headers=headers)  # type: ignore[arg-type]  # a key


class Issuer:
    """Serves a key set; `keys` may be changed at any time, and `respond` may do something else instead."""

    def __init__(self, *keys: SigningKey) -> None:
        self.keys = list(keys)
        self.respond: Callable[[BaseHTTPRequestHandler], None] | None = None
        self.asked = 0
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                issuer.asked += 1
                if issuer.respond is not None:
                    issuer.respond(self)
                    return
                answer(self, json.dumps({"keys": [key.jwk for key in issuer.keys]}).encode())

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def url(self) -> str:
        """Where the key set is."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/jwks.json"


def answer(handler: BaseHTTPRequestHandler, body: bytes, status: int = 200, **headers: str) -> None:
    """Send an answer."""
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name, value)
    handler.send_header("content-length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)
