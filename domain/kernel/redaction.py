"""The one place that knows what must not be shown: phone numbers, e-mail addresses, tokens and message bodies.

Logs, error reports and error pages pass through `redact`. It works on two signals: the name of a field says what it
holds, and free text is searched for what looks like a secret or a personal datum.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import Final

SECRET: Final = "[secret]"  # noqa: S105 - it stands in place of one
TEXT: Final = "[text]"
ROW: Final = "[row]"
_DEPTH_LIMIT: Final = 8
_SHORT_NUMBER: Final = 4
"""Digits of a number whose last two would tell too much."""

_SECRET_NAME = re.compile(
    r"password|passwd|secret|token|authorization|cookie|api_?key|credential|dsn|signature|private_?key|database_url"
    r"|broker_url|redis_url",
    re.IGNORECASE,
)
_BODY_NAME = re.compile(
    r"^(body|text|content|message_body|prompt|reply|answer|question|transcript|form|data)$", re.IGNORECASE
)
# Ids and names from the code, which most fields of a log line hold: too short for a key, and of no other secret's form.
_PLAIN = re.compile(
    r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}|[A-Z]{1,15}|[./{}]*[a-z_]{1,15}(?:[./{}]+[a-z_]{1,15})*[./{}]*"
)
_EMAIL = re.compile(r"[\w.+'-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+")
_PHONE = re.compile(r"(?<![\w.-])\+?\d(?:[\s().-]{0,2}\d){7,14}(?![\w-])")
_URL_PASSWORD = re.compile(r"(?<=://)([^\s:/@]*):([^\s/@]+)@")
# What PostgreSQL and SQLAlchemy add to an error: the row or the parameters that it was about, up to the next traceback.
_ROW_DETAIL = re.compile(r"(DETAIL:|\[parameters:) .+?(?=\n\n(?:The above|During handling) |\Z)", re.DOTALL)
_BEARER = re.compile(r"\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}", re.IGNORECASE)
_KEY_LIKE = re.compile(r"\b(?:sk|pk|rk|whsec|AC|SK|AKIA|ghp|gh_[0-9a-z]{8}|xox[abp])[-_]?[A-Za-z0-9_-]{16,}\b")
_JWT = re.compile(r"\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*")
_ASSIGNED = re.compile(
    r"\b([\w-]*(?:password|secret|token|api_?key)[\w-]*)(\s*[=:]\s*)(?!\[)[^\s,;&'\"]+", re.IGNORECASE
)


def redact_phone(number: str) -> str:
    """Return a phone number with all but its last two digits hidden, so that two numbers can be told apart."""
    digits = [c for c in number if c.isdigit()]
    return f"[phone …{''.join(digits[-2:])}]" if len(digits) > _SHORT_NUMBER else "[phone]"


def redact_email(address: str) -> str:
    """Return an e-mail address as its first letter and its top-level domain."""
    local, _, domain = address.partition("@")
    return f"[email {local[:1]}…@….{domain.rpartition('.')[2]}]"


def redact_text(text: str) -> str:
    """Return free text with every secret, phone number and e-mail address in it hidden."""
    if _PLAIN.fullmatch(text):
        return text
    text = _ROW_DETAIL.sub(rf"\1 {ROW}", text)
    if "://" in text:
        text = _URL_PASSWORD.sub(rf"\1:{SECRET}@", text)
    text = _BEARER.sub(rf"\1 {SECRET}", text)
    if "eyJ" in text:
        text = _JWT.sub(SECRET, text)
    text = _KEY_LIKE.sub(SECRET, text)
    # Most texts are ids and names; these two search from every letter, so they run only where they can match.
    if "=" in text or ":" in text:
        text = _ASSIGNED.sub(rf"\1\2{SECRET}", text)
    if "@" in text:
        text = _EMAIL.sub(lambda m: redact_email(m.group()), text)
    return _PHONE.sub(lambda m: redact_phone(m.group()), text)


@lru_cache(maxsize=1024)
def _names_a_secret(name: str) -> bool:
    return _SECRET_NAME.search(name) is not None


def redact(value: object, *, name: str = "", _depth: int = 0) -> object:
    """Return a copy of `value` that is safe to show.

    Mappings and sequences are walked; a field's name decides first, then the text itself is searched. Structures deeper
    than eight levels are cut, so a hostile payload cannot exhaust the stack.
    """
    if name and _names_a_secret(name) and value is not None:
        return SECRET
    if isinstance(value, bytes):
        return f"[{len(value)} bytes]"
    if isinstance(value, str):
        return f"{TEXT[:-1]} {len(value)} chars]" if name and _BODY_NAME.match(name) else redact_text(value)
    if isinstance(value, _STRUCTURES):
        return _redact_structure(value, name, _depth) if _depth < _DEPTH_LIMIT else "[…]"
    return value


_STRUCTURES: Final = (Mapping, list, tuple, set, frozenset)


def _redact_structure(value: Mapping[object, object] | Collection[object], name: str, depth: int) -> object:
    if isinstance(value, Mapping):
        return {str(k): redact(v, name=str(k), _depth=depth + 1) for k, v in value.items()}
    return [redact(v, name=name, _depth=depth + 1) for v in value]
