"""Phone numbers as this project keeps them: E.164, a plus sign and 7 to 15 digits."""

from __future__ import annotations

import re
from typing import Final

import phonenumbers

from domain.clients.errors import InvalidNumberError

_E164: Final = re.compile(r"\+[1-9][0-9]{6,14}")


def is_e164(text: str) -> bool:
    """Tell whether `text` has the form of E.164, as the database requires it. A short code (`72345`) has not."""
    return _E164.fullmatch(text) is not None


def region_of(number: str | None) -> str | None:
    """Return the country (ISO 3166, `"US"`) of a number in E.164; None when there is no number or it can't be told."""
    if number is None:
        return None
    try:
        return phonenumbers.region_code_for_number(phonenumbers.parse(number))
    except phonenumbers.NumberParseException:
        return None


def main_region_of(number: str | None) -> str | None:
    """Return the main country of a number's country code, also of a number that is of no place: `"US"` for +1."""
    if number is None:
        return None
    try:
        return phonenumbers.region_code_for_country_code(phonenumbers.parse(number).country_code or 0)
    except phonenumbers.NumberParseException:
        return None


def parse_number(text: str, *, region: str | None = None) -> str:
    """Return a number as a person writes it in E.164.

    `region` (ISO 3166, `"US"`) is where a number without a country code is taken to be; without it the plus sign is
    required. A number must be possible (its length fits its country); whether it is in service is not known here.
    An extension is refused, because no text can be sent to one.

    Raises:
        InvalidNumberError: it is none. The message doesn't repeat the input, which may be a real number.

    """
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException as error:
        raise InvalidNumberError from error
    if number.extension or not phonenumbers.is_possible_number(number):
        raise InvalidNumberError
    formatted = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    if not is_e164(formatted):
        raise InvalidNumberError
    return formatted
