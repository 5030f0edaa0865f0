"""A booking link is an HTTPS address of an outside page, and nothing else."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.clients.booking import BookingUrl, check_booking_url


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("https://book.example.com/plumbing?from=sms#slots", BookingUrl.VALID),
        ("https://example.com", BookingUrl.VALID),
        ("HTTPS://Example.COM/", BookingUrl.VALID),
        ("https://example.com:8443/a", BookingUrl.VALID),
        ("https://bücher.example/termin", BookingUrl.VALID),
        ("https://8.8.8.8/book", BookingUrl.VALID),
        (None, BookingUrl.MISSING),
        ("", BookingUrl.MISSING),
        ("   ", BookingUrl.MISSING),
        ("http://example.com/", BookingUrl.NOT_HTTPS),
        ("javascript:alert(1)", BookingUrl.NOT_HTTPS),
        ("//example.com/book", BookingUrl.NOT_HTTPS),
        ("example.com/book", BookingUrl.NOT_HTTPS),
        ("https:example.com", BookingUrl.NO_PUBLIC_HOST),
        ("https://", BookingUrl.NO_PUBLIC_HOST),
        ("https:///book", BookingUrl.NO_PUBLIC_HOST),
        ("https://localhost/book", BookingUrl.NO_PUBLIC_HOST),
        ("https://127.0.0.1/", BookingUrl.NO_PUBLIC_HOST),
        ("https://10.0.0.1/", BookingUrl.NO_PUBLIC_HOST),
        ("https://[::1]/", BookingUrl.NO_PUBLIC_HOST),
        ("https://127.1/", BookingUrl.NO_PUBLIC_HOST),
        ("https://2130706433/", BookingUrl.NO_PUBLIC_HOST),
        ("https://0x7f.1/", BookingUrl.NO_PUBLIC_HOST),
        ("https://exa_mple..com/", BookingUrl.NO_PUBLIC_HOST),
        ("https://-example.com/", BookingUrl.NO_PUBLIC_HOST),
        ("https://user@example.com/", BookingUrl.HAS_CREDENTIALS),
        ("https://user:secret@example.com/", BookingUrl.HAS_CREDENTIALS),
        ("https://@example.com/", BookingUrl.HAS_CREDENTIALS),
        ("https://example.com\\@evil.example/", BookingUrl.MALFORMED),
        ("https://exam\nple.com/", BookingUrl.MALFORMED),
        (" https://example.com/", BookingUrl.MALFORMED),
        ("https://example.com/a b", BookingUrl.MALFORMED),
        ("https://example.com/\u202e", BookingUrl.MALFORMED),
        ("https://example.com:port/", BookingUrl.MALFORMED),
        ("https://example.com:0/", BookingUrl.MALFORMED),
        ("https://[::1/", BookingUrl.MALFORMED),
        ("https://example.com/" + "a" * 2048, BookingUrl.MALFORMED),
    ],
)
def test_a_booking_url_is_judged(url: str | None, found: BookingUrl) -> None:
    assert check_booking_url(url) is found


@given(st.one_of(st.text(max_size=60), st.text(max_size=60).map("https://{}".format)))
def test_whatever_is_valid_has_one_host_over_https_and_no_credentials(url: str) -> None:
    if check_booking_url(url) is BookingUrl.VALID:
        parts = urlsplit(url)
        assert parts.scheme == "https"
        assert parts.hostname
        assert parts.username is None
        assert parts.password is None
