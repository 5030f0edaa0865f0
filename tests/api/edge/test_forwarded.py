"""Whom our own proxies saw: what anybody wrote before that never counts, and what can't be read is nobody."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.edge.forwarded import caller


def seen(*values: str, hops: int = 1) -> str | None:
    return caller([(b"x-forwarded-for", value.encode("latin-1")) for value in values], hops)


@pytest.mark.parametrize(
    ("entry", "address"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("203.0.113.7:4711", "203.0.113.7"),
        ("2001:db8::7", "2001:db8::7"),
        ("2001:DB8:0::7", "2001:db8::7"),
        ("[2001:db8::7]", "2001:db8::7"),
        ("[2001:db8::7]:443", "2001:db8::7"),
        ("fe80::1%eth0", "fe80::1"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("[::ffff:203.0.113.7]:80", "203.0.113.7"),
        ("", None),
        ("unknown", None),
        ("_hidden", None),
        ("203.0.113.7:", None),
        ("203.0.113.7:port", None),
        ("203.0.113.7:4711:1", None),
        ("[203.0.113.7]", None),
        ("[2001:db8::7", None),
        ("2001:db8::7]:443", None),
        ("[2001:db8::7]x", None),
        ('"203.0.113.7"', None),
        ("203.0.113.007", None),
        ("3405803783", None),
        ("for=203.0.113.7", None),
    ],
)
def test_an_entry_is_read_as_proxies_write_it_or_not_at_all(entry: str, address: str | None) -> None:
    assert seen(entry) == address
    assert seen(f"198.51.100.1, {entry}") == address


def test_headers_that_are_sent_apart_are_one_list() -> None:
    assert seen("198.51.100.1, 203.0.113.7", "192.0.2.9", hops=2) == "203.0.113.7"
    assert seen("198.51.100.1", hops=2) is None
    assert caller([(b"forwarded", b"for=203.0.113.7"), (b"x-real-ip", b"203.0.113.7")], 1) is None


@given(st.text(st.characters(max_codepoint=255)), st.ip_addresses(), st.integers(1, 4), st.data())
def test_nothing_that_a_caller_writes_changes_whom_the_proxies_saw(
    forged: str, address: IPv4Address | IPv6Address, hops: int, data: st.DataObject
) -> None:
    ours = [str(address), *(str(data.draw(st.ip_addresses())) for _ in range(hops - 1))]
    found = seen(forged, ", ".join(ours), hops=hops)
    assert found is not None
    assert ip_address(found) == (getattr(address, "ipv4_mapped", None) or address)


@given(st.binary(), st.integers(1, 8))
def test_whatever_is_sent_is_an_address_or_nobody(value: bytes, hops: int) -> None:
    found = caller([(b"x-forwarded-for", value)], hops)
    assert found is None or str(ip_address(found)) == found
