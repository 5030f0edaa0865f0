"""A URL is read in one way, or not at all."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.webhooks.target import Target, UnfitUrlError, read


@pytest.mark.parametrize(
    ("url", "target", "authority"),
    [
        ("https://example.com", Target("https", "example.com", 443, "/"), "example.com"),
        ("https://Example.COM:8443/a/b?c=d", Target("https", "example.com", 8443, "/a/b?c=d"), "example.com:8443"),
        ("https://[2606:4700::1111]/", Target("https", "2606:4700::1111", 443, "/"), "[2606:4700::1111]"),
        ("https://93.184.215.14/?x", Target("https", "93.184.215.14", 443, "/?x"), "93.184.215.14"),
        ("https://xn--bcher-kva.example/", Target("https", "xn--bcher-kva.example", 443, "/"), "xn--bcher-kva.example"),
    ],
)
def test_what_is_fit_is_read(url: str, target: Target, authority: str) -> None:
    assert read(url, https_only=True) == target
    assert target.authority == authority


@pytest.mark.parametrize(
    ("url", "about"),
    [
        ("http://example.com/", "https://"),
        ("ftp://example.com/", "https://"),
        ("file:///etc/passwd", "https://"),
        ("gopher://example.com:6379/_FLUSHALL", "https://"),
        ("//example.com/", "https://"),
        ("https:///path", "host"),
        ("https://user@example.com/", "user"),
        ("https://user:secret@example.com/", "user"),
        ("https://example.com@127.0.0.1/", "user"),
        ("https://example.com/#fragment", "fragment"),
        ("https://example.com/#", "fragment"),
        ("https://example.com:25/", "port"),
        ("https://example.com:22/", "port"),
        ("https://example.com:99999/", "URL that can be read"),
        ("https://2130706433/", "address"),
        ("https://0x7f000001/", "address"),
        ("https://0x7f.0.0.1/", "address"),
        ("https://017700000001/", "address"),
        ("https://0177.0.0.1/", "address"),
        ("https://127.1/", "address"),
        ("https://127.0.0.1./", "host"),
        ("https://localhost./", "host"),
        ("https://[::1/", "URL that can be read"),
        ("https://[::1%25eth0]/", "host"),
        ("https://bücher.example/", "ASCII"),
        ("https://127。0。0。1/", "ASCII"),
        ("https://example.com\\@127.0.0.1/", "characters"),
        ("https://example.com/a b", "characters"),
        ("https://example.com/\r\nHost: x", "characters"),
        ("https://-example.com/", "host"),
        ("https://exa%6dple.com/", "host"),
        ("https://" + "a." * 130 + "com/", "host"),
        ("https://example.com/" + "a" * 2048, "longer"),
    ],
)
def test_what_is_not_fit_is_refused_in_words_without_the_url(url: str, about: str) -> None:
    with pytest.raises(UnfitUrlError, match=about) as refused:
        read(url, https_only=True)
    assert "secret" not in str(refused.value)


def test_http_is_for_development() -> None:
    assert read("http://127.0.0.1:8080/in", https_only=False).port == 8080
    with pytest.raises(UnfitUrlError, match="http://"):
        read("ws://example.com", https_only=False)


@given(st.text() | st.text(alphabet="htps:/[]@?#.%0123456789abcx \\").map("https://".__add__))
def test_whatever_comes_is_read_or_refused(text: str) -> None:
    try:
        target = read(text, https_only=True)
    except UnfitUrlError:
        return
    assert target.path.startswith(("/", "?"))
    assert read(f"https://{target.authority}{target.path}", https_only=True) == target
