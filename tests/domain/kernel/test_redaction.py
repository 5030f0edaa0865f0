"""What must never be shown is hidden, whatever it is wrapped in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.kernel.redaction import redact, redact_text


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("call +15005550006 now", "5005550006"),
        ("call (500) 555-0006 now", "555-0006"),
        ("mail ann.lee+x@example.co.uk", "ann.lee"),
        ("postgresql://app:hunter2@db/gatehouse", "hunter2"),
        ("Authorization: Bearer abc.def-ghi_123456", "abc.def-ghi"),
        ("key sk-proj-abcdefghijklmnop1234", "abcdefghijklmnop"),
        ("auth_token=0123456789abcdef", "0123456789abcdef"),
        ("jwt eyJhbGciOiJI.eyJzdWIiOiIx.c2ln", "eyJzdWIiOiIx"),
        ("not null\nDETAIL:  Failing row contains (1, hello\n\nOh my pipe burst).", "my pipe burst"),
        ("INSERT INTO messages\n[parameters: {'body': 'my pipe burst'}]", "my pipe burst"),
        ("sid AC0123456789abcdef0123456789abcdef", "0123456789abcdef"),
    ],
)
def test_text_hides_personal_data_and_secrets(text: str, secret: str) -> None:
    assert secret not in redact_text(text)


def test_field_names_decide_before_content() -> None:
    shown = redact({"body": "my pipe burst", "auth_token": "x", "nested": [{"api_key": "y"}], "status": 200})
    assert shown == {
        "body": "[text 13 chars]",
        "auth_token": "[secret]",
        "nested": [{"api_key": "[secret]"}],
        "status": 200,
    }


@pytest.mark.parametrize(
    "text", ["2026-11-21T07:17:11Z", "01994f3c-7d5e-7a2b-9c1d-0f1e2d3c4b5a", "took 153 ms", "job 42"]
)
def test_dates_ids_and_numbers_stay_readable(text: str) -> None:
    assert redact_text(text) == text


@given(st.from_regex(r"\+1[2-9]\d{9}", fullmatch=True), st.text(alphabet=" ,;:!\n", min_size=1, max_size=5))
def test_no_e164_number_survives(number: str, around: str) -> None:
    assert number[2:] not in str(redact({"note": around + number + around}))


def test_deep_structures_are_cut() -> None:
    value: object = "+15005550006"
    for _ in range(50):
        value = {"a": value}
    assert "5550006" not in str(redact(value))
