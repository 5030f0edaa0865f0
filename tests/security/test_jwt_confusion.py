"""Bearer tokens that pretend: each way to confuse their reader ends at 401, and good ones get as far as they say."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final

import pytest

from api.app import create_app
from domain.kernel.ids import PLATFORM_ORG_ID, new_id
from migrations.seeds import apply
from migrations.seeds.demo import ORGANIZATION_ID
from providers.jwks.fetch import KeySetFetcher
from providers.jwks.keys import FRESH_SECONDS, KEPT_SECONDS, RETRY_SECONDS, IssuerAwayError, KeyStore
from providers.jwks.reader import TokenReader
from providers.webhooks.addresses import networks
from tests.support.app_client import AppClient
from tests.support.issuer import (
    AUDIENCE,
    ISSUER,
    Issuer,
    SigningKey,
    answer,
    claims,
    ec_key,
    ed_key,
    rsa_key,
    token,
)

if TYPE_CHECKING:
    from http.server import BaseHTTPRequestHandler

    from config.settings import Settings
    from tests.support.databases import DatabaseUrls

RSA: Final = rsa_key()
LOOPBACK: Final = networks("127.0.0.0/8")
PATH: Final = "/api/v1/webhook-endpoints"


def segment(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def forged(header: dict[str, Any], sign: Callable[[bytes], bytes], said: dict[str, Any] | None = None) -> str:
    """Return a token that no library would make."""
    message = f"{segment(header)}.{segment(said or claims())}"
    return f"{message}.{base64.urlsafe_b64encode(sign(message.encode())).rstrip(b'=').decode()}"


def hs256(secret: bytes) -> Callable[[bytes], bytes]:
    return lambda message: hmac.new(secret, message, hashlib.sha256).digest()


class Clock:
    """Seconds that go on only when told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with Issuer(RSA) as started:
        yield started


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def reader(issuer: Issuer, clock: Clock) -> TokenReader:
    fetch = KeySetFetcher(issuer.url, https_only=False, allowed=LOOPBACK)
    return TokenReader(ISSUER, AUDIENCE, KeyStore(fetch, clock=clock))


@pytest.mark.parametrize("key", [RSA, ec_key(), ed_key()], ids=["RS256", "ES256", "EdDSA"])
def test_a_good_token_is_read_with_the_key_that_it_names(issuer: Issuer, reader: TokenReader, key: SigningKey) -> None:
    issuer.keys = [rsa_key("other"), key]
    read = reader.read(token(key))
    assert read is not None
    assert read["sub"] == "stock-system"


@pytest.mark.parametrize(
    "header",
    [
        {"alg": "none", "kid": "rsa-1"},
        {"alg": "None", "kid": "rsa-1"},
        {"alg": "nOnE", "kid": "rsa-1", "typ": "JWT"},
        {"alg": "", "kid": "rsa-1"},
        {"kid": "rsa-1"},
        {"alg": ["RS256"], "kid": "rsa-1"},
    ],
    ids=str,
)
def test_a_token_without_a_signature_proves_nothing(reader: TokenReader, header: dict[str, Any]) -> None:
    assert reader.read(forged(header, lambda _: b"")) is None
    assert reader.read(forged(header, lambda _: b"anything")) is None


@pytest.mark.parametrize("algorithm", ["HS256", "RS256", "ES256", "EdDSA"])
def test_the_public_key_is_no_shared_secret(reader: TokenReader, algorithm: str) -> None:
    header = {"alg": algorithm, "kid": RSA.key_id, "typ": "JWT"}
    for secret in (RSA.public_pem, RSA.public_pem.strip(), json.dumps(RSA.jwk).encode(), b""):
        assert reader.read(forged(header, hs256(secret))) is None


def test_the_key_decides_the_algorithm_not_the_token(issuer: Issuer, reader: TokenReader) -> None:
    stranger = rsa_key(RSA.key_id)
    for algorithm in ("RS384", "RS512", "PS256", "ES256"):
        assert reader.read(token(RSA, alg=algorithm) if algorithm == "RS256" else _as(RSA, algorithm)) is None
    assert reader.read(token(stranger)) is None
    assert issuer.asked == 1


def _as(key: SigningKey, algorithm: str) -> str:
    """Return a good token whose header names another algorithm than the one that signed it."""
    head, body, signature = token(key).split(".")
    header = json.loads(base64.urlsafe_b64decode(head + "=="))
    return f"{segment(header | {'alg': algorithm})}.{body}.{signature}"


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://issuer.example"},
        {"iss": "https://evil.example/"},
        {"iss": None},
        {"aud": "another"},
        {"aud": ["another", "one-more"]},
        {"aud": None},
        {"aud": f"{AUDIENCE} "},
        {"sub": None},
        {"sub": ""},
        {"sub": 7},
        {"exp": None},
        {"exp": "soon"},
        {"exp": -1},
        {"exp": float("inf")},
        {"nbf": "now"},
    ],
    ids=str,
)
def test_a_token_for_another_purpose_or_of_another_issuer_proves_nothing(
    reader: TokenReader, changes: dict[str, Any]
) -> None:
    assert reader.read(token(RSA, claims(**changes))) is None


def test_time_counts_with_half_a_minute_of_leeway(reader: TokenReader) -> None:
    now = int(time.time())
    assert reader.read(token(RSA, claims(exp=now - 20))) is not None
    assert reader.read(token(RSA, claims(exp=now - 60))) is None
    assert reader.read(token(RSA, claims(nbf=now + 20))) is not None
    assert reader.read(token(RSA, claims(nbf=now + 60))) is None
    assert reader.read(token(RSA, claims(iat=now + 60, nbf=None))) is None


@pytest.mark.parametrize(
    "header",
    [{"kid": None}, {"kid": "unknown"}, {"kid": "../../dev/null"}, {"kid": ""}, {"crit": ["exp"]}, {"typ": "id+jwt"}],
    ids=str,
)
def test_a_header_that_names_no_key_of_ours_or_asks_for_more_proves_nothing(
    reader: TokenReader, header: dict[str, Any]
) -> None:
    head, body, signature = token(RSA).split(".")
    changed = json.loads(base64.urlsafe_b64decode(head + "==")) | header
    assert (
        reader.read(f"{segment({name: value for name, value in changed.items() if value})}.{body}.{signature}") is None
    )
    if header.get("kid", "") is not None:
        assert reader.read(token(RSA, None, **header)) is None


def test_a_token_that_brings_or_points_to_its_own_key_is_not_believed_and_nobody_is_called(issuer: Issuer) -> None:
    own = rsa_key("mine")
    with Issuer(own) as elsewhere:
        fetch = KeySetFetcher(issuer.url, https_only=False, allowed=LOOPBACK)
        reader = TokenReader(ISSUER, AUDIENCE, KeyStore(fetch))
        pointing = {"jku": elsewhere.url, "x5u": elsewhere.url, "jwk": own.jwk, "x5c": ["MIIB"]}
        assert reader.read(token(own, None, **pointing)) is None
        assert reader.read(token(own, None, **pointing, kid=RSA.key_id)) is None
        assert elsewhere.asked == 0


@pytest.mark.parametrize(
    "text",
    ["", ".", "..", "a.b.c", "eyJ.eyJ.x", "\ud800.a.b", "e30.e30.", "." * 100, "[" * 5000 + ".e30.x", "ü.ü.ü"],
    ids=lambda text: repr(text[:8]),
)
def test_what_is_no_token_is_no_error_either(reader: TokenReader, text: str) -> None:
    assert reader.read(text) is None


def test_a_huge_token_is_not_even_looked_at(issuer: Issuer, reader: TokenReader) -> None:
    assert reader.read(token(RSA, claims(padding="x" * 9000))) is None
    assert issuer.asked == 0
    deep = base64.urlsafe_b64encode(b"[" * 5000).rstrip(b"=").decode()
    assert reader.read(f"{deep}.{deep[:100]}.x") is None


def test_a_new_key_of_the_issuer_is_found_and_a_retired_one_forgotten(
    issuer: Issuer, reader: TokenReader, clock: Clock
) -> None:
    new = ec_key("new")
    assert reader.read(token(RSA)) is not None
    issuer.keys = [new]
    clock.now += RETRY_SECONDS
    assert reader.read(token(new)) is not None
    assert reader.read(token(RSA)) is None
    assert issuer.asked == 2


def test_unknown_keys_do_not_make_us_ask_again_and_again(issuer: Issuer, reader: TokenReader, clock: Clock) -> None:
    for number in range(50):
        assert reader.read(token(RSA, None, kid=f"made-up-{number}")) is None
    assert issuer.asked == 1
    clock.now += RETRY_SECONDS
    for number in range(50):
        assert reader.read(token(RSA, None, kid=f"made-up-{number}")) is None
    assert issuer.asked == 2


def fails(handler: BaseHTTPRequestHandler) -> None:
    answer(handler, b"no", 500)


def test_known_keys_are_believed_for_a_day_while_the_issuer_is_down(
    issuer: Issuer, reader: TokenReader, clock: Clock
) -> None:
    assert reader.read(token(RSA)) is not None
    issuer.respond = fails
    clock.now += FRESH_SECONDS + 1
    assert reader.read(token(RSA)) is not None
    assert issuer.asked == 2
    clock.now += KEPT_SECONDS
    with pytest.raises(IssuerAwayError):
        reader.read(token(RSA))


def redirects(handler: BaseHTTPRequestHandler) -> None:
    answer(handler, b"", 302, location="http://127.0.0.1:1/keys")


def is_endless(handler: BaseHTTPRequestHandler) -> None:
    answer(handler, b'{"keys": [' + b" " * 200_000 + b"]}")


def is_no_json(handler: BaseHTTPRequestHandler) -> None:
    answer(handler, b"<html>")


def is_deep(handler: BaseHTTPRequestHandler) -> None:
    answer(handler, b"[" * 60_000)


def is_empty(handler: BaseHTTPRequestHandler) -> None:
    answer(handler, b'{"keys": []}')


def shows_its_secrets(handler: BaseHTTPRequestHandler) -> None:
    private = {"kty": "oct", "k": "c2VjcmV0", "kid": RSA.key_id, "alg": "HS256"}
    answer(handler, json.dumps({"keys": [private, RSA.jwk | {"d": "AQAB"}]}).encode())


def is_weak(handler: BaseHTTPRequestHandler) -> None:
    answer(handler, json.dumps({"keys": [rsa_key(RSA.key_id, 1024).jwk]}).encode())


@pytest.mark.parametrize(
    "respond", [fails, redirects, is_endless, is_no_json, is_deep, is_empty, shows_its_secrets, is_weak]
)
def test_a_key_set_that_can_not_be_believed_is_none(
    issuer: Issuer, reader: TokenReader, respond: Callable[[BaseHTTPRequestHandler], None]
) -> None:
    issuer.respond = respond
    with pytest.raises(IssuerAwayError):
        reader.read(token(RSA))
    with pytest.raises(IssuerAwayError):
        reader.read(token(RSA))
    assert issuer.asked == 1


@pytest.fixture
def app(settings: Settings, issuer: Issuer, database_urls: DatabaseUrls) -> Callable[..., AppClient]:
    apply(database_urls.platform, "test")

    def make(**changes: object) -> AppClient:
        rules = {"issuer": ISSUER, "audience": AUDIENCE, "jwks_url": issuer.url, "allowed_networks": "127.0.0.0/8"}
        jwt = settings.jwt.model_copy(update=rules | changes)
        return AppClient(create_app(settings.model_copy(update={"jwt": jwt})))

    return make


def ask(client: AppClient, said: dict[str, Any], path: str = PATH, **headers: str) -> int:
    sent = {"Authorization": f"Bearer {token(RSA, said)}", **headers}
    return client.get(path, headers=sent).status_code


@pytest.mark.integration
def test_a_token_reaches_its_organization_with_its_roles(app: Callable[..., AppClient]) -> None:
    with app() as client:
        assert ask(client, claims()) == 200
        assert ask(client, claims(org=str(ORGANIZATION_ID), roles="implementation_lead")) == 200
        assert ask(client, claims(roles=["workspace_viewer"])) == 403
        assert ask(client, claims(roles=["emperor", "offline_access"])) == 403
        assert ask(client, claims(roles={"implementation_lead": True})) == 403
        assert ask(client, claims(roles=None)) == 403
        for organization in ("nobodys", str(new_id()), None, "", ["harbor-services"], 7):
            assert ask(client, claims(org=organization)) == 401
        assert ask(client, claims(), **{"X-Org-Id": str(new_id())}) == 403


@pytest.mark.integration
@pytest.mark.parametrize("organization", ["platform", str(PLATFORM_ORG_ID)])
def test_a_token_is_of_the_platform_only_where_the_settings_say_so(
    app: Callable[..., AppClient], organization: str
) -> None:
    said = claims(org=organization, roles=["super_admin"])
    with app() as client:
        assert ask(client, said, "/api/v1/queues") == 401
        assert ask(client, claims(roles=["super_admin"]), "/api/v1/queues") == 403
    with app(allow_platform=True) as client:
        assert ask(client, said, "/api/v1/queues") == 200


@pytest.mark.integration
def test_an_issuers_own_names_are_mapped_and_others_then_count_for_nothing(app: Callable[..., AppClient]) -> None:
    rules = {"role_map": "ops=implementation_lead", "role_claim": "realm.roles", "organization_claim": "tenant.id"}
    with app(**rules) as client:
        tenant = {"id": "harbor-services"}
        assert ask(client, claims(org=None, tenant=tenant, roles=None, realm={"roles": ["x", "ops"]})) == 200
        named_as_ours = claims(org=None, tenant=tenant, roles=None, realm={"roles": ["implementation_lead"]})
        assert ask(client, named_as_ours) == 403


@pytest.mark.integration
def test_without_an_issuer_no_token_counts(settings: Settings, database_urls: DatabaseUrls) -> None:
    apply(database_urls.platform, "test")
    with AppClient(create_app(settings)) as client:
        assert ask(client, claims()) == 401


@pytest.mark.integration
def test_while_tokens_can_not_be_checked_that_is_said(app: Callable[..., AppClient], issuer: Issuer) -> None:
    issuer.respond = fails
    with app() as client:
        assert ask(client, claims()) == 503
        assert client.get(PATH, headers={"Authorization": "Bearer nobodys"}).status_code == 401
