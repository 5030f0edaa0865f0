"""No address but a public one is ever called, in whatever form it comes."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.webhooks.addresses import networks, refusal

# Python knows no such address as special; it is the host of a cloud's own services, seen from its machines.
CLOUD = IPv4Network("168.63.129.16/32")
V4 = st.ip_addresses(v=4).filter(lambda address: address not in CLOUD)
# Networks that Python counts as public and that serve infrastructure alone.
RELAYS = [IPv4Network(n) for n in ("192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.175.48.0/24")]


@given(V4)
def test_of_ipv4_the_public_may_be_called_and_nothing_else(address: IPv4Address) -> None:
    public = address.is_global and not address.is_multicast and not any(address in relay for relay in RELAYS)
    # Releases of Python differ about this network; none of it is a receiver's.
    if address not in IPv4Network("192.0.0.0/24"):
        assert (refusal(address) is None) == public


@given(st.ip_addresses(v=6))
def test_of_ipv6_nothing_is_called_that_python_takes_for_private(address: IPv6Address) -> None:
    if refusal(address) is None:
        assert address.is_global
        assert not address.is_multicast
        assert address.ipv4_mapped is None
        assert address.sixtofour is None
        assert address.teredo is None


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_within_an_ipv6_one_is_no_way_around(address: IPv4Address) -> None:
    number = int(address)
    assert refusal(IPv6Address(number)) is not None
    assert refusal(IPv6Address(f"::ffff:{address}")) is not None
    assert refusal(IPv6Address((0x2002 << 112) | (number << 80))) is not None
    nat64 = IPv6Address(int(IPv6Address("64:ff9b::")) | number)
    assert refusal(nat64) == refusal(address)
    assert refusal(IPv6Address(int(IPv6Address("64:ff9b:1::")) | number)) is not None


@pytest.mark.parametrize(
    "text",
    [
        "0.0.0.0",  # noqa: S104  # an address to refuse
        "10.0.0.1",
        "100.64.0.1",
        "127.0.0.1",
        "127.255.255.254",
        "168.63.129.16",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.1.1",
        "198.18.0.1",
        "203.0.113.7",
        "224.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::ffff:10.0.0.1",
        "64:ff9b::a00:1",
        "2002:a00:1::",
        "2001:0:a00:1::",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "fe80::1%eth0",
        "2606:4700::1111%eth0",
        "fec0::1",
        "ff02::1",
        "2001:db8::1",
    ],
)
def test_these_are_never_called(text: str) -> None:
    assert refusal(ip_address(text))


@pytest.mark.parametrize("text", ["8.8.8.8", "93.184.215.14", "2606:4700::1111", "2a00:1450::1", "64:ff9b::808:808"])
def test_these_are_called(text: str) -> None:
    assert refusal(ip_address(text)) is None


def test_a_network_is_opened_by_name_alone() -> None:
    allowed = networks("127.0.0.0/8, ::1/128")
    assert refusal(ip_address("127.0.0.1"), allowed) is None
    assert refusal(ip_address("::1"), allowed) is None
    assert refusal(ip_address("10.0.0.1"), allowed) == "a private network"
    assert refusal(ip_address("::ffff:127.0.0.1"), allowed) is not None
    assert networks("") == ()
