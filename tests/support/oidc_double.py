"""A double of an OpenID provider that speaks HTTP and signs for real: discovery, keys, authorization code with PKCE.

    with OidcDouble() as provider:
        provider.person = Person("subject-1", "ann@example.com")
        ... point GATEHOUSE_OIDC__ISSUER at provider.issuer ...
        back = provider.sign_in(address)  # What a browser does there: returns where it is sent back to.

`provider.lies` changes single claims of the next ID tokens (None leaves one out), `provider.signs` how they are signed.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final, Literal, Self
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from jwt.algorithms import RSAAlgorithm

CLIENT_ID: Final = "gatehouse-tests"
CLIENT_SECRET: Final = "a-client-secret-for-tests"
_DEEP: Final = 20_000
_KEY: Final = generate_private_key(public_exponent=65537, key_size=2048)
_STRANGER: Final = generate_private_key(public_exponent=65537, key_size=2048)
Signs = Literal["RS256", "none", "HS256 with the public key", "with a stranger's key", "with an unknown key id"]


@dataclass(frozen=True)
class Person:
    """Who is signed in at the provider."""

    subject: str
    email: str | None
    email_verified: bool | str = True


@dataclass
class _Code:
    query: dict[str, str]
    person: Person


@dataclass
class _State:
    issuer: str = ""
    person: Person = Person("subject-1", "ann@example.com")
    lies: dict[str, object] = field(default_factory=dict)
    signs: Signs = "RS256"
    email_in_token: bool = True
    nests: str = ""
    codes: dict[str, _Code] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)


class OidcDouble:
    """The server; a context manager. Listens on loopback, on a free port."""

    def __init__(self) -> None:
        self._state = _State()
        handler = type("Handler", (_Handler,), {"state": self._state})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._state.issuer = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name="oidc-double")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def issuer(self) -> str:
        """The provider's name, and its address."""
        return self._state.issuer

    @property
    def asked(self) -> list[str]:
        """The paths that were asked for, in order."""
        return self._state.asked

    def is_now(self, person: Person) -> None:
        """Let somebody be signed in at the provider."""
        self._state.person = person

    def lie(self, signs: Signs = "RS256", **claims: object) -> None:
        """Change claims of the next ID tokens, None to leave one out, and how they are signed."""
        self._state.lies, self._state.signs = claims, signs

    def tell_email_only_on_request(self) -> None:
        """Leave the address out of ID tokens, as some providers do."""
        self._state.email_in_token = False

    def nest(self, path: str) -> None:
        """Answer at a path with JSON that is nested deeper than any parser reads."""
        self._state.nests = path

    def sign_in(self, address: str) -> str:
        """Return where a browser that opens `address` is sent back to, with a code."""
        query = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        assert address.startswith(f"{self.issuer}/authorize?"), address
        assert query["client_id"] == CLIENT_ID
        assert query["response_type"] == "code"
        assert query["code_challenge_method"] == "S256"
        assert {"openid", "email"} <= set(query["scope"].split())
        code = secrets.token_urlsafe()
        self._state.codes[code] = _Code(query, self._state.person)
        return f"{query['redirect_uri']}?{urlencode({'code': code, 'state': query['state']})}"


class _Handler(BaseHTTPRequestHandler):
    state: _State

    def do_GET(self) -> None:
        self.state.asked.append(self.path)
        answers: dict[str, Any] = {
            "/.well-known/openid-configuration": self._metadata,
            "/keys": lambda: {"keys": [_public(_KEY) | {"kid": "key-1", "use": "sig", "alg": "RS256"}]},
            "/userinfo": self._userinfo,
        }
        answer = answers.get(self.path)
        self._answer(200, answer()) if answer else self._answer(404, {})

    def do_POST(self) -> None:
        self.state.asked.append(self.path)
        sent = self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode()
        form = {name: values[0] for name, values in parse_qs(sent).items()}
        code = self.state.codes.pop(form.get("code", ""), None)
        if code is None or not self._is_client() or not _proves(form, code.query):
            self._answer(400, {"error": "invalid_grant", "error_description": "no such code"})
            return
        token = {"access_token": f"for-{code.person.subject}", "token_type": "Bearer", "expires_in": 300}
        self._answer(200, token | {"id_token": self._id_token(code)})

    def _metadata(self) -> dict[str, object]:
        issuer = self.state.issuer
        return {
            "issuer": issuer,
            "authorization_endpoint": f"{issuer}/authorize",
            "token_endpoint": f"{issuer}/token",
            "jwks_uri": f"{issuer}/keys",
            "userinfo_endpoint": f"{issuer}/userinfo",
        }

    def _userinfo(self) -> dict[str, object]:
        person = self.state.person
        assert self.headers["Authorization"] == f"Bearer for-{person.subject}"
        return {"sub": person.subject, "email": person.email, "email_verified": person.email_verified}

    def _is_client(self) -> bool:
        given = base64.b64decode(self.headers.get("Authorization", "").removeprefix("Basic ")).decode()
        return tuple(map(unquote, given.split(":"))) == (CLIENT_ID, CLIENT_SECRET)

    def _id_token(self, code: _Code) -> str:
        now = int(time.time())
        claims: dict[str, object] = {
            "iss": self.state.issuer,
            "sub": code.person.subject,
            "aud": CLIENT_ID,
            "iat": now,
            "exp": now + 300,
            "nonce": code.query.get("nonce"),
        }
        if self.state.email_in_token:
            claims |= {"email": code.person.email, "email_verified": code.person.email_verified}
        claims = {name: value for name, value in (claims | self.state.lies).items() if value is not None}
        signs = self.state.signs
        if signs == "none":
            return jwt.encode(claims, "", "none", headers={"kid": "key-1"})
        if signs == "HS256 with the public key":
            return _signed_with_text(claims, json.dumps(_public(_KEY)))
        key = _STRANGER if signs == "with a stranger's key" else _KEY
        return jwt.encode(claims, key, "RS256", {"kid": "key-2" if signs == "with an unknown key id" else "key-1"})

    def _answer(self, status: int, document: Mapping[str, object]) -> None:
        body = b"[" * _DEEP if self.path == self.state.nests else json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Keep the tests' output clean."""


def _public(key: RSAPrivateKey) -> dict[str, Any]:
    document: dict[str, Any] = RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
    return document


def _signed_with_text(claims: Mapping[str, object], text: str) -> str:
    """Sign as whoever knows the public key can, if a reader takes it for a shared secret."""
    return jwt.encode(dict(claims), hashlib.sha256(text.encode()).hexdigest(), "HS256", {"kid": "key-1"})


def _proves(form: Mapping[str, str], query: Mapping[str, str]) -> bool:
    digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
    challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    return challenge == query["code_challenge"] and form.get("redirect_uri") == query["redirect_uri"]
