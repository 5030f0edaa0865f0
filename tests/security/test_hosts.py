"""A request under a name that is not ours goes no further, and no answer repeats a name that was sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.app import create_app
from api.edge.hosts import Hosts
from tests.support.app_client import AppClient

if TYPE_CHECKING:
    from tests.support.app_fixtures import MakeSettings

PUBLIC = "https://gatehouse.example"
OURS = [
    "gatehouse.example",
    "GateHouse.Example",
    "gatehouse.example:443",
    "gatehouse.example.",
    "acme.gatehouse.example",
]
NOT_OURS = [
    "evil.example",
    "gatehouse.example.evil.example",
    "evilgatehouse.example",
    "a.b.gatehouse.example",
    "gatehouse.example@evil.example",
    "gatehouse.example/evil",
    "gatehouse.example:evil",
    "gatehouse.example,evil.example",
    ".gatehouse.example",
    "gatehouse.example\tx",
    "",
]
LOCAL = ["127.0.0.1:8000", "localhost:8000", "[::1]:8000", "192.168.1.20", "acme.localhost", "api"]


@pytest.mark.parametrize("host", OURS)
def test_the_public_host_and_its_organizations_are_served(host: str) -> None:
    assert Hosts(PUBLIC).serve(host.encode())


@pytest.mark.parametrize("host", [*NOT_OURS, *LOCAL])
def test_others_are_not_served_in_production(host: str) -> None:
    assert not Hosts(PUBLIC).serve(host.encode())


@pytest.mark.parametrize("host", LOCAL)
def test_names_that_no_public_name_server_knows_are_served_in_development(host: str) -> None:
    assert Hosts(PUBLIC, lenient=True).serve(host.encode())


@pytest.mark.parametrize("host", NOT_OURS)
def test_a_page_elsewhere_can_not_get_at_a_development_machine_by_a_name_of_its_own(host: str) -> None:
    assert not Hosts("http://127.0.0.1:8000", lenient=True).serve(host.encode())


def test_a_public_name_with_other_letters_is_served_as_browsers_write_it() -> None:
    assert Hosts("https://b\u00fccher.example").serve(b"acme.xn--bcher-kva.example")


def test_more_names_can_be_named() -> None:
    hosts = Hosts(PUBLIC, "admin.internal, OPS.internal")
    assert hosts.serve(b"ops.internal:8443")
    assert not hosts.serve(b"x.ops.internal")


@given(st.binary(max_size=80))
def test_whatever_is_sent_is_judged_without_an_error(header: bytes) -> None:
    served = Hosts(PUBLIC).serve(header)
    assert not served or b"gatehouse.example" in header.lower()


@pytest.fixture
def app(unconnected: MakeSettings) -> AppClient:
    return AppClient(create_app(unconnected(environment="production", public_url=PUBLIC)), base_url=PUBLIC)


def test_a_foreign_host_is_told_so_in_words(app: AppClient) -> None:
    answer = app.get("/sign-in", headers={"Host": "evil.example"})
    assert answer.status_code == 421
    assert "GATEHOUSE_ALLOWED_HOSTS" in answer.json()["detail"]
    assert "evil.example" not in str(answer.headers) + answer.text
    assert app.get("/sign-in").status_code != 421


def test_a_browser_is_shown_that_as_a_page_and_a_program_of_the_api_never_is(app: AppClient) -> None:
    asked = {"Host": "evil.example", "Accept": "text/html,*/*"}
    page = app.get("/sign-in", headers=asked)
    assert (page.status_code, page.headers["content-type"]) == (421, "text/html; charset=utf-8")
    assert "GATEHOUSE_ALLOWED_HOSTS" in page.text
    assert page.headers["x-request-id"] in page.text
    assert "evil.example" not in str(page.headers) + page.text
    assert app.get("/api/v1/queues", headers=asked).headers["content-type"] == "application/problem+json"


def test_two_hosts_are_none(app: AppClient) -> None:
    answer = app.get("/sign-in", headers=[("Host", "gatehouse.example"), ("Host", "evil.example")])
    assert answer.status_code == 400


def test_probes_and_signed_webhooks_are_not_asked_for_their_host(app: AppClient) -> None:
    elsewhere = {"Host": "10.1.2.3:8000"}
    assert app.get("/api/health", headers=elsewhere).status_code == 200
    # Refused for its missing signature, which covers the public URL.
    assert app.post("/webhooks/twilio/sms", headers=elsewhere).status_code == 403


@pytest.mark.parametrize("path", ["/api/v1/queues/", "/sign-in/", "/assets", "/api/health/", "/webhooks/twilio/sms/"])
def test_no_redirect_is_made_from_the_host_that_was_sent(app: AppClient, path: str) -> None:
    for host in ("gatehouse.example", "evil.example"):
        answer = app.get(
            path, headers={"Host": host, "X-Forwarded-Host": "evil.example", "Forwarded": "host=evil.example"}
        )
        assert "evil" not in answer.headers.get("location", "")
        assert not answer.headers.get("location", "").startswith("http")
