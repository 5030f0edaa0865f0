"""The audit log: who did what, found by actor, action, thing and time, and each entry whole."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Final
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Request
from starlette.responses import Response

from api.access.requires import Access, requires
from api.dashboard.filters import Field, Filters, TimeRange, time_range
from api.dashboard.tables import Cell, Column, Link, Table, Text
from api.pages import page
from api.schemas.paging import After, cursor, position
from domain.audit.actions import ACTIONS
from domain.audit.listing import AuditFilter, Place, find_act, list_acts
from domain.kernel.errors import NotFoundError

if TYPE_CHECKING:
    from domain.audit.models import AuditLog

router = APIRouter(include_in_schema=False)
Viewing = Annotated[Access, requires("audit.view")]
PATH: Final = "/dashboard/audit"
_PAGE: Final = 50
_COLUMNS: Final = (
    Column("at", "When", "time"),
    Column("actor", "Who"),
    Column("action", "What", "link"),
    Column("target", "On what"),
    Column("reason", "Why"),
)


@router.get(PATH)
def acts(request: Request, access: Viewing, after: After = None) -> Response:
    """Show what was done, the newest first."""
    span = time_range(request, default="all")
    which = _which(request, span)
    found = position(after, _moment, UUID)
    with access.scope() as session:
        entries = list_acts(session, which, limit=_PAGE, after=None if found is None else Place(*found))
    last = entries[-1] if len(entries) == _PAGE else None
    table = Table(
        _COLUMNS,
        [_row(entry) for entry in entries],
        next_page=cursor(last.created_at.isoformat(), last.id) if last else None,
        caption="Entries",
        empty="Nothing that was done fits. Take a part of the filter away, or choose a longer time.",
    )
    return page("audit.html", request=request, acts=table, form=_form(request, span), export=_export(which))


@router.get(f"{PATH}/{{entry_id}}")
def act(request: Request, entry_id: str, access: Viewing) -> Response:
    """Show one entry, with what it says of the thing before and after."""
    try:
        wanted = UUID(entry_id)
    except ValueError:
        raise NotFoundError("There is no such audit entry.") from None
    with access.scope() as session:
        entry = find_act(session, wanted)
    changed = _changed(entry)
    return page("audit_entry.html", request=request, entry=entry, words=_words(entry.action), changed=changed)


def _which(request: Request, span: TimeRange) -> AuditFilter:
    """Return what the address narrows by, under the API's names; pages of clients lead here with `client_id`."""

    def asked(name: str) -> str | None:
        return request.query_params.get(name, "").strip()[:200] or None

    client = asked("client_id")
    try:
        client_id = UUID(client) if client else None
    except ValueError:
        raise NotFoundError("There is no such client.") from None
    return AuditFilter(
        action=asked("action"),
        actor=asked("actor"),
        client_id=client_id,
        target_id=asked("target_id"),
        request_id=asked("request_id"),
        since=span.since,
        until=span.until,
    )


def _form(request: Request, span: TimeRange) -> Filters:
    query = request.query_params
    actions = [("", "Anything"), *sorted(ACTIONS.items(), key=lambda one: one[1])]
    return Filters(
        (
            Field("action", "What", query.get("action", ""), "select", actions),
            Field("actor", "Who", query.get("actor", ""), hint="Name or user id"),
            Field("target_id", "On what", query.get("target_id", ""), hint="Id of the thing"),
            Field("request_id", "Request id", query.get("request_id", "")),
        ),
        span,
    )


def _export(which: AuditFilter) -> str:
    """Return where every entry that is meant can be had as a file: the log's own export, which is itself recorded."""
    given = {name: getattr(which, name) for name in AuditFilter.__slots__}
    return "/api/v1/audit/export?" + urlencode(
        {
            name: value.astimezone(UTC).isoformat() if isinstance(value, datetime) else str(value)
            for name, value in given.items()
            if value is not None
        }
    )


def _row(entry: AuditLog) -> tuple[Cell, ...]:
    return (
        entry.created_at,
        Text(entry.actor, entry.role.replace("_", " ")),
        Link(_words(entry.action), f"{PATH}/{entry.id}", entry.action),
        Text(entry.target_type.replace("_", " "), entry.target_id),
        entry.reason,
    )


def _words(action: str) -> str:
    return ACTIONS.get(action, action)


def _changed(entry: AuditLog) -> list[tuple[str, object, object]]:
    """Return what the entry says of the thing: name, before, after; in the order of the names."""
    before, after = entry.before or {}, entry.after or {}
    return [(name, before.get(name), after.get(name)) for name in sorted(before | after)]


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("A cursor's time has a zone.")
    return moment
