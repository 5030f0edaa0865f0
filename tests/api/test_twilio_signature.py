"""Our check of Twilio's signature agrees with the one of Twilio's own client."""

from __future__ import annotations

from random import Random
from urllib.parse import quote, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import ImmutableMultiDict
from twilio.request_validator import RequestValidator

from api.twilio_signature import SignatureVerifier

TOKEN = "a-token-for-tests"
TEXT = st.text(st.characters(codec="utf-8"), max_size=12)
PAIRS = st.lists(st.tuples(st.sampled_from(["To", "Body", "MediaUrl0", "to", "é"]) | TEXT, TEXT), max_size=8)
BASES = st.sampled_from(
    ["https://gatehouse.test", "https://gatehouse.test:8443", "http://127.0.0.1:8000", "https://a.test/behind"]
)
QUERIES = st.dictionaries(st.sampled_from(["attempt", "x"]), TEXT, max_size=2).map(urlencode)
PATHS = st.lists(TEXT.map(lambda part: quote(part, safe="")), max_size=3).map(lambda parts: "/w" + "/".join(parts))


def signed(url: str, pairs: list[tuple[str, str]]) -> str:
    return str(RequestValidator(TOKEN).compute_signature(url, ImmutableMultiDict(pairs)))


@given(BASES, PATHS, QUERIES, PAIRS, st.randoms())
def test_what_twilio_signs_is_accepted(
    base: str, path: str, query: str, pairs: list[tuple[str, str]], random: Random
) -> None:
    target = path + (f"?{query}" if query else "")
    signature = signed(base + target, pairs)
    shuffled = [*pairs, *pairs]
    random.shuffle(shuffled)

    assert RequestValidator(TOKEN).validate(base + target, ImmutableMultiDict(pairs), signature)
    assert SignatureVerifier(TOKEN, base).verify(target, shuffled, signature)


@given(BASES, PAIRS, PAIRS, TEXT)
def test_a_signature_is_accepted_when_twilios_client_accepts_it(
    base: str, pairs: list[tuple[str, str]], other: list[tuple[str, str]], path: str
) -> None:
    target = "/webhooks/" + quote(path, safe="")
    signature = signed(base + target, pairs)
    expected = RequestValidator(TOKEN).validate(base + target, ImmutableMultiDict(other), signature)

    assert SignatureVerifier(TOKEN, base).verify(target, other, signature) == expected


@pytest.mark.parametrize(
    ("public_url", "signed_url"),
    [
        ("https://gatehouse.test", "https://gatehouse.test:443/w?a=1"),
        ("https://gatehouse.test:443", "https://gatehouse.test/w?a=1"),
        ("http://gatehouse.test", "http://gatehouse.test:80/w?a=1"),
        ("https://gatehouse.test:8443", "https://gatehouse.test/w?a=1"),
        ("https://gatehouse.test/", "https://gatehouse.test/w?a=1"),
    ],
)
def test_the_port_may_be_signed_or_not(public_url: str, signed_url: str) -> None:
    assert SignatureVerifier(TOKEN, public_url).verify("/w?a=1", [("A", "b")], signed(signed_url, [("A", "b")]))


@pytest.mark.parametrize(
    "signature", [None, "", "x", "é", signed("https://other.test/w", []), signed("https://g.test/", [])]
)
def test_anything_else_is_refused(signature: str | None) -> None:
    assert not SignatureVerifier(TOKEN, "https://g.test").verify("/w", [], signature)


def test_another_token_is_refused() -> None:
    assert not SignatureVerifier("another", "https://g.test").verify("/w", [], signed("https://g.test/w", []))
