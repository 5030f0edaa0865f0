"""Signing in through an OpenID provider that speaks HTTP and signs for real, and what does not get anybody in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import psycopg
import pytest

from api.app import create_app
from config.settings import Oidc, Settings
from domain.kernel.ids import PLATFORM_ORG_ID
from providers.registry import build_sealer
from tests.support.app_client import AppClient
from tests.support.oidc_double import CLIENT_ID, CLIENT_SECRET, OidcDouble, Person
from tests.support.signing_in import acts, add_person, add_second_factor

if TYPE_CHECKING:
    import httpx

    from tests.support.databases import DatabaseUrls

pytestmark = pytest.mark.integration
ANN = "ann@example.com"
INSIDE = "/dashboard/journeys"
BEGIN = f"/sign-in/oidc?next={INSIDE}%3Fid%3D"


@pytest.fixture
def provider() -> Iterator[OidcDouble]:
    with OidcDouble() as provider:
        yield provider


@pytest.fixture
def settings(settings: Settings, provider: OidcDouble) -> Settings:
    oidc = {
        "issuer": provider.issuer,
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "allowed_networks": "127.0.0.0/8",
    }
    return settings.model_copy(update={"oidc": Oidc.model_validate(oidc)})


@pytest.fixture
def client(settings: Settings) -> Iterator[AppClient]:
    with AppClient(create_app(settings)) as client:
        yield client


@pytest.fixture
def other_browser(settings: Settings) -> Iterator[AppClient]:
    with AppClient(create_app(settings)) as client:
        yield client


@pytest.fixture
def ann(database_urls: DatabaseUrls) -> UUID:
    return add_person(database_urls.platform, ANN, ("super_admin", PLATFORM_ORG_ID, None), name="Ann")


def to_provider(client: AppClient) -> str:
    answer = client.get(BEGIN)
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


def back(provider: OidcDouble, address: str) -> str:
    """Return the path that the browser is sent back to."""
    sent = urlsplit(provider.sign_in(address))
    assert f"{sent.scheme}://{sent.netloc}" == "http://127.0.0.1:8000"
    return f"{sent.path}?{sent.query}"


def sign_in(client: AppClient, provider: OidcDouble) -> httpx.Response:
    return client.get(back(provider, to_provider(client)))


def linked(database_urls: DatabaseUrls) -> list[tuple[Any, ...]]:
    with psycopg.connect(database_urls.platform) as connection:
        return connection.execute("SELECT subject, user_id FROM oidc_identities").fetchall()


def test_a_person_of_the_provider_signs_in(
    client: AppClient, provider: OidcDouble, database_urls: DatabaseUrls, ann: UUID
) -> None:
    assert "your organization's account" in client.get("/sign-in").text.replace("&#39;", "'")
    answer = sign_in(client, provider)
    assert (answer.status_code, answer.headers["location"]) == (303, f"{INSIDE}?id=")
    assert client.get(INSIDE).status_code == 200
    assert linked(database_urls) == [("subject-1", ann)]
    assert acts(database_urls.platform, "user.%") == [("Ann", "user.linked", ann), ("Ann", "user.sign_in", ann)]


def test_from_then_on_the_subject_counts_and_not_the_address(
    client: AppClient, provider: OidcDouble, database_urls: DatabaseUrls, ann: UUID
) -> None:
    sign_in(client, provider)
    client.cookies.clear()
    provider.is_now(Person("subject-1", "ann.newname@example.com", email_verified=False))
    assert sign_in(client, provider).status_code == 303
    client.cookies.clear()
    provider.is_now(Person("subject-2", ANN))
    refused = sign_in(client, provider)
    assert refused.status_code == 401
    assert "belongs to somebody else at your provider" in refused.text
    assert linked(database_urls) == [("subject-1", ann)]


@pytest.mark.usefixtures("ann")
@pytest.mark.parametrize(
    ("person", "words"),
    [
        (Person("subject-1", "stranger@example.com"), "There is no account here"),
        (Person("subject-1", ANN, email_verified=False), "is verified"),
        (Person("subject-1", ANN, email_verified="false"), "is verified"),
        (Person("subject-1", None), "is verified"),
    ],
)
def test_nobody_gets_an_account_by_signing_in(
    client: AppClient, provider: OidcDouble, database_urls: DatabaseUrls, person: Person, words: str
) -> None:
    provider.is_now(person)
    answer = sign_in(client, provider)
    assert answer.status_code == 401
    assert words in answer.text
    assert client.get(INSIDE).status_code == 401
    assert linked(database_urls) == []
    assert ("visitor", "user.sign_in_failed", None) in acts(database_urls.platform)


@pytest.mark.usefixtures("ann")
def test_an_address_that_is_told_only_on_request_is_asked_for(client: AppClient, provider: OidcDouble) -> None:
    provider.tell_email_only_on_request()
    assert sign_in(client, provider).status_code == 303


def test_who_was_only_invited_proves_the_address_and_still_has_to_accept(
    client: AppClient, provider: OidcDouble, database_urls: DatabaseUrls
) -> None:
    user_id = add_person(database_urls.platform, ANN, ("super_admin", PLATFORM_ORG_ID, None))
    with psycopg.connect(database_urls.platform) as connection:
        connection.execute("UPDATE users SET email_verified_at = NULL, password_hash = NULL")
        connection.execute("UPDATE memberships SET accepted_at = NULL, invited_address = %s", [ANN])
    assert sign_in(client, provider).status_code == 303
    assert client.get("/api/v1/clients").status_code == 403
    assert [one["role"] for one in client.get("/api/v1/account/invitations").json()["items"]] == ["Super admin"]
    with psycopg.connect(database_urls.platform) as connection:
        proved = connection.execute("SELECT email_verified_at IS NOT NULL FROM users WHERE id = %s", [user_id])
        assert proved.fetchone() == (True,)


def test_a_disabled_account_stays_closed(
    client: AppClient, provider: OidcDouble, database_urls: DatabaseUrls, ann: UUID
) -> None:
    with psycopg.connect(database_urls.platform) as connection:
        connection.execute("UPDATE users SET disabled_at = now() WHERE id = %s", (ann,))
    assert sign_in(client, provider).status_code == 401
    assert linked(database_urls) == []


def test_a_second_factor_is_asked_for_here_too(
    client: AppClient, provider: OidcDouble, settings: Settings, database_urls: DatabaseUrls, ann: UUID
) -> None:
    add_second_factor(database_urls.platform, ann, build_sealer(settings))
    assert sign_in(client, provider).headers["location"] == "/sign-in/code"
    assert client.get(INSIDE).status_code == 401


@pytest.mark.usefixtures("ann")
@pytest.mark.parametrize(
    "lie",
    [
        {"nonce": "another"},
        {"nonce": None},
        {"aud": "another-client"},
        {"aud": None},
        {"aud": [CLIENT_ID, "another-client"]},
        {"azp": "another-client"},
        {"iss": "https://evil.example"},
        {"iss": None},
        {"sub": None},
        {"exp": 1_700_000_000},
        {"exp": None},
        {"iat": 4_000_000_000},
        {"signs": "none"},
        {"signs": "HS256 with the public key"},
        {"signs": "with a stranger's key"},
        {"signs": "with an unknown key id"},
    ],
    ids=str,
)
def test_a_word_that_proves_nothing_gets_nobody_in(
    client: AppClient, provider: OidcDouble, database_urls: DatabaseUrls, lie: dict[str, Any]
) -> None:
    provider.lie(**lie)
    answer = sign_in(client, provider)
    assert answer.status_code == 401
    assert "could not be verified" in answer.text
    assert client.get(INSIDE).status_code == 401
    assert linked(database_urls) == []
    assert acts(database_urls.platform) == [("visitor", "user.sign_in_failed", None)]


@pytest.mark.usefixtures("ann")
def test_another_browsers_code_gets_nobody_in(
    client: AppClient, other_browser: AppClient, provider: OidcDouble
) -> None:
    stolen = back(provider, to_provider(other_browser))
    for before in (lambda: None, lambda: to_provider(client)):
        before()
        answer = client.get(stolen)
        assert answer.status_code == 400
        assert "begun in another browser" in answer.text
    # Even with a state of this browser's own, the code is bound to the verifier of the other.
    own = parse_qs(urlsplit(to_provider(client)).query)["state"][0]
    code = parse_qs(urlsplit(stolen).query)["code"][0]
    assert client.get(f"/sign-in/oidc/callback?code={code}&state={own}").status_code == 401
    assert client.get(INSIDE).status_code == 401


@pytest.mark.usefixtures("ann")
def test_an_answer_is_taken_once(client: AppClient, provider: OidcDouble) -> None:
    path = back(provider, to_provider(client))
    kept = dict(client.cookies)
    assert client.get(path).status_code == 303
    assert client.get(path).status_code == 400
    replayed = client.get(path, headers={"Cookie": "; ".join(f"{name}={value}" for name, value in kept.items())})
    assert replayed.status_code == 401


def test_a_person_who_changes_their_mind_is_told_kindly(client: AppClient, provider: OidcDouble) -> None:
    state = parse_qs(urlsplit(to_provider(client)).query)["state"][0]
    answer = client.get(f"/sign-in/oidc/callback?error=access_denied&error_description=<b>x&state={state}")
    assert answer.status_code == 401
    assert "did not sign you in" in answer.text
    assert "<b>x" not in answer.text
    assert provider.asked == ["/.well-known/openid-configuration"]


def test_a_provider_that_is_away_leaves_the_other_ways(settings: Settings) -> None:
    oidc = Oidc.model_validate({"issuer": "http://127.0.0.1:9", "client_id": CLIENT_ID})
    with AppClient(create_app(settings.model_copy(update={"oidc": oidc}))) as client:
        answer = client.get("/sign-in/oidc")
    assert answer.status_code == 503
    assert "does not answer just now" in answer.text
    assert "E-mail address" in answer.text


@pytest.mark.usefixtures("ann")
@pytest.mark.parametrize("path", ["/.well-known/openid-configuration", "/keys", "/token", "/userinfo"])
def test_a_provider_that_answers_with_what_nothing_can_read_is_away(
    client: AppClient, provider: OidcDouble, path: str
) -> None:
    provider.tell_email_only_on_request()
    provider.nest(path)
    begun = client.get(BEGIN)
    answer = begun if begun.status_code != 303 else client.get(back(provider, begun.headers["location"]))
    assert answer.status_code == 503
    assert "does not answer just now" in answer.text


def test_without_a_provider_there_is_no_such_way(settings: Settings) -> None:
    with AppClient(create_app(settings.model_copy(update={"oidc": Oidc()}))) as client:
        assert "your organization" not in client.get("/sign-in").text
        assert client.get("/sign-in/oidc").status_code == 404
        assert client.get("/sign-in/oidc/callback?code=x&state=y").status_code == 404


@pytest.mark.usefixtures("ann")
def test_keys_are_read_once_for_many_sign_ins(client: AppClient, provider: OidcDouble) -> None:
    for _ in range(3):
        sign_in(client, provider)
    assert provider.asked.count("/keys") == 1
    assert provider.asked.count("/.well-known/openid-configuration") == 1
