"""Numbers are kept in E.164, however a person writes them."""

from __future__ import annotations

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.clients.errors import InvalidNumberError
from domain.clients.numbers import is_e164, parse_number


@pytest.mark.parametrize(
    ("written", "region", "kept"),
    [
        ("+15005550006", None, "+15005550006"),
        (" +1 (500) 555-0006 ", None, "+15005550006"),
        ("(415) 555-2671", "US", "+14155552671"),
        ("1-800-FLOWERS", "US", "+18003569377"),
        ("030 123456", "DE", "+4930123456"),
        ("+49 30 123456", "US", "+4930123456"),
        ("00 44 20 7946 0958", "GB", "+442079460958"),
        ("tel:+1-415-555-2671", None, "+14155552671"),
    ],
)
def test_a_number_is_kept_in_e164(written: str, region: str | None, kept: str) -> None:
    assert parse_number(written, region=region) == kept


@pytest.mark.parametrize(
    ("written", "region"),
    [
        ("", None),
        ("+", None),
        ("call me", "US"),
        ("415 555 2671", None),
        ("72345", "US"),
        ("+1 415 555", None),
        ("+1 415 555 2671 00", None),
        ("+999 1234 5678", None),
        ("+1 415 555 2671 ext. 4", None),
        ("+1" + "5" * 300, None),
    ],
)
def test_what_is_no_number_is_refused_without_repeating_it(written: str, region: str | None) -> None:
    with pytest.raises(InvalidNumberError) as refusal:
        parse_number(written, region=region)
    assert len(written) < 5 or written not in str(refusal.value)


@given(st.text(max_size=40), st.sampled_from(["US", "DE", None]))
def test_any_text_is_either_e164_afterwards_or_refused(written: str, region: str | None) -> None:
    try:
        kept = parse_number(written, region=region)
    except InvalidNumberError:
        return
    assert is_e164(kept)
    assert parse_number(kept) == kept


@given(st.sampled_from(sorted(phonenumbers.SUPPORTED_REGIONS)))
def test_each_country_s_example_is_kept_and_stays_the_same(region: str) -> None:
    example = phonenumbers.example_number(region)
    if example is None:
        return
    written = phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.NATIONAL)
    kept = phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164)
    if is_e164(kept):
        assert parse_number(written, region=region) == kept


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("+15005550006", True),
        ("+1234567", True),
        ("+123456", False),
        ("+1234567890123456", False),
        ("15005550006", False),
        ("+05005550006", False),
        ("+15005550006\n", False),
        ("+١٥٠٠٥٥٥٠٠٠٦", False),
        ("72345", False),
    ],
)
def test_the_form_of_e164(text: str, *, is_one: bool) -> None:
    assert is_e164(text) is is_one
