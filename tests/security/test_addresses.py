"""Who may reach the administration side, by the address that our own proxies saw."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.access.declared import declared_routes
from api.app import create_app
from api.edge.addresses import AllowedNetworks, counted_as
from api.edge.door import is_administration
from tests.support.app_client import AppClient

if TYPE_CHECKING:
    from tests.support.app_fixtures import MakeSettings

OFFICE: Final = "203.0.113.0/24, 2001:db8:1::/48"
# The test client's own address, as a server sees it without a proxy.
PEER: Final = "192.0.2.1/32"


@pytest.mark.parametrize(
    ("address", "admitted"),
    [
        ("203.0.113.9", True),
        ("::ffff:203.0.113.9", True),
        ("2001:db8:1:2::3", True),
        ("203.0.114.1", False),
        ("2001:db8:2::1", False),
        ("not an address", False),
        ("", False),
        (None, False),
    ],
)
def test_the_list_decides_once_there_is_one(address: str | None, admitted: bool) -> None:  # noqa: FBT001
    assert AllowedNetworks(OFFICE).admit(address) is admitted
    assert AllowedNetworks("").admit(address)


@given(st.ip_addresses(v=6))
def test_one_subscribers_many_addresses_are_counted_as_one(address: object) -> None:
    first, _, _ = counted_as(str(address)).partition("/")
    assert counted_as(first) == counted_as(str(address))


@pytest.mark.parametrize(
    "path", ["/api/v1/queues", "/dashboard/journeys", "/sign-in", "/", "/api/openapi.json", "/made-up"]
)
def test_administration_is_closed_to_other_networks(unconnected: MakeSettings, path: str) -> None:
    answer = AppClient(create_app(unconnected(admin_allowed_networks=OFFICE))).get(path)
    assert (answer.status_code, answer.json()["type"]) == (403, "urn:gatehouse:problem:network")
    assert "can't be reached from your network" in answer.json()["detail"]
    assert "203.0.113" not in answer.text
    assert AppClient(create_app(unconnected(admin_allowed_networks=PEER))).get(path).status_code != 403


@pytest.mark.parametrize(
    "path", ["/api/health", "/webhooks/twilio/sms", "/api/widget/config/x/y", "/unsubscribe/x", "/assets/gatehouse.css"]
)
def test_customers_and_providers_come_from_anywhere(path: str) -> None:
    assert not is_administration(path)


@pytest.mark.parametrize(
    ("hops", "forwarded", "status"),
    [
        (0, "203.0.113.7", 403),
        (1, "203.0.113.7", 200),
        (1, "203.0.113.7, 198.51.100.1", 403),
        (1, "198.51.100.1, 203.0.113.7", 200),
        (2, "203.0.113.7, 198.51.100.1", 200),
        (2, "203.0.113.7, 198.51.100.1, 198.51.100.2", 403),
        (2, "203.0.113.7", 400),
        (1, "203.0.113.7, unknown", 400),
        (1, "", 400),
    ],
)
def test_only_what_our_own_proxies_wrote_counts(
    unconnected: MakeSettings,
    hops: int,
    forwarded: str,
    status: int,
) -> None:
    settings = unconnected(admin_allowed_networks=OFFICE, trusted_proxy_hops=hops)
    spoofed = {"Forwarded": "for=203.0.113.7", "X-Real-IP": "203.0.113.7", "CF-Connecting-IP": "203.0.113.7"}
    answer = AppClient(create_app(settings)).get("/sign-in", headers={"X-Forwarded-For": forwarded, **spoofed})
    assert answer.status_code == status


def test_every_route_that_takes_a_permission_is_administration(unconnected: MakeSettings) -> None:
    guarded = [route.path for route in declared_routes(create_app(unconnected())) if route.permissions]
    assert len(guarded) > 20
    assert [path for path in guarded if not is_administration(path)] == []


def test_a_browser_is_shown_that_its_network_is_not_allowed(unconnected: MakeSettings) -> None:
    client = AppClient(create_app(unconnected(admin_allowed_networks=OFFICE)))
    page = client.get("/sign-in", headers={"Accept": "text/html"})
    assert (page.status_code, page.headers["content-type"]) == (403, "text/html; charset=utf-8")
    assert "can&#39;t be reached from your network" in page.text
