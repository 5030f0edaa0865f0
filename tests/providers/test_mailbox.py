"""The sender of an e-mail: a business's name can be anything, and stays a name."""

from __future__ import annotations

from email import message_from_string, policy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.mailbox import sender

ADDRESS = "alerts@gatehouse.test"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Harbor Plumbing", f"Harbor Plumbing via Gatehouse <{ADDRESS}>"),
        ('Joe\'s "Best", Inc.', f'"Joe\'s \\"Best\\", Inc. via Gatehouse" <{ADDRESS}>'),
        ("Harbor\r\nBcc: everybody@example.com", f'"Harbor Bcc: everybody@example.com via Gatehouse" <{ADDRESS}>'),
        (None, ADDRESS),
        ("", ADDRESS),
        (" \r\n", ADDRESS),
    ],
)
def test_the_business_is_named_beside_the_address(name: str | None, expected: str) -> None:
    assert sender(ADDRESS, name) == expected


@given(st.text())
def test_no_name_changes_the_address_or_begins_a_header(name: str) -> None:
    value = sender(ADDRESS, name)
    assert value.isascii()
    message = message_from_string(f"From: {value}\n\n", policy=policy.default)
    assert message.keys() == ["From"]
    (address,) = message["From"].addresses
    assert address.addr_spec == ADDRESS
