"""Audit entries as documents and as lines of an export."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

from pydantic import BaseModel

from domain.audit.actions import ACTIONS
from domain.audit.models import AuditLog

Format = Literal["csv", "json"]
MEDIA_TYPES: Final[dict[Format, str]] = {"csv": "text/csv; charset=utf-8", "json": "application/json"}

# What a spreadsheet takes for a formula when a cell begins with it.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


class AuditDocument(BaseModel):
    """One act of one actor; what it shows of a thing before and after is redacted. `words`: the action in words."""

    id: UUID
    org_id: UUID
    client_id: UUID | None
    actor: str
    actor_user_id: UUID | None
    role: str
    action: str
    words: str
    target_type: str
    target_id: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    reason: str | None
    ip: str | None
    user_agent: str | None
    request_id: str | None
    created_at: datetime
    sequence: int | None
    hash: str | None

    @classmethod
    def of(cls, entry: AuditLog) -> AuditDocument:
        """Return an entry as a document."""
        made = {"words": ACTIONS.get(entry.action, entry.action), "hash": entry.hash and entry.hash.hex()}
        made["ip"] = None if entry.ip is None else str(entry.ip)
        return cls(**{name: getattr(entry, name) for name in cls.model_fields if name not in made}, **made)


class ActionDocument(BaseModel):
    """An action that the audit log knows."""

    action: str
    words: str


class ActionList(BaseModel):
    """All actions, in the order of the alphabet."""

    items: list[ActionDocument]


def lines(entries: Iterable[AuditLog], form: Format) -> Iterator[str]:
    """Yield an export piece by piece: CSV with a header, or one JSON array, which shows when it was cut off."""
    return _csv(entries) if form == "csv" else _json(entries)


def _json(entries: Iterable[AuditLog]) -> Iterator[str]:
    lead = "[\n"
    for entry in entries:
        yield lead + AuditDocument.of(entry).model_dump_json()
        lead = ",\n"
    yield "[]\n" if lead == "[\n" else "\n]\n"


def _csv(entries: Iterable[AuditLog]) -> Iterator[str]:
    columns = list(AuditDocument.model_fields)
    yield _line(columns)
    for entry in entries:
        document = AuditDocument.of(entry).model_dump(mode="json")
        yield _line([_cell(document[name]) for name in columns])


def _line(cells: list[str]) -> str:
    written = io.StringIO()
    csv.writer(written).writerow(cells)
    return written.getvalue()


def _cell(value: object) -> str:
    if value is None:
        return ""
    text = json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text
