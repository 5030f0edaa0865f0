"""Dead letters by cause, and the letters of a cause: found, narrowed, picked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Final
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Request
from sqlalchemy import select
from starlette.responses import Response

from api.access.requires import Access, requires
from api.dashboard.dead_filter import asked_by, form_of
from api.dashboard.tables import Column, Link, Table, csv_response, sort_of, wants_csv
from api.pages import page
from api.schemas.paging import After, cursor, id_position, position
from domain.deadletters import operations
from domain.deadletters.groups import list_groups
from domain.deadletters.kinds import load_kinds
from domain.kernel.redaction import redact_text
from domain.queue.dead import count_dead, list_dead
from domain.queue.message import specs
from domain.tenancy.models import Organization

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from api.dashboard.dead_filter import Asked
    from domain.deadletters.groups import Group
    from domain.queue.models import Job

router = APIRouter(include_in_schema=False)
Viewing = Annotated[Access, requires("dead_letters.view")]
PATH: Final = "/dashboard/dead-letters"
_PAGE: Final = 50
_RUNNING: Final = 5
"""Operations that the page shows, of those that were begun last."""
_COLUMNS: Final = (
    Column("cause", "What they died of", "link"),
    Column("count", "Letters", "number", sortable=True),
    Column("tenants", "Organizations", "number"),
    Column("first", "First", "ago"),
    Column("last", "Last", "ago", sortable=True),
)
_LETTER_COLUMNS: Final = (
    Column("died", "Died", "time"),
    Column("kind", "Kind", "link"),
    Column("organization", "Organization"),
    Column("tries", "Tries", "number"),
    Column("error", "Error"),
)


@router.get(PATH)
def groups(request: Request, access: Viewing, after: After = None) -> Response:
    """Show of which causes jobs died, the most frequent first."""
    asked = asked_by(request, access)
    if wants_csv(request):
        return csv_response(request, "dead-letters", lambda place: _groups(request, access, asked, place))
    table = _groups(request, access, asked, after)
    load_kinds()
    with access.platform() as session:
        form = form_of(session, request, access, sorted(specs()), asked)
        begun = operations.recent(session, limit=_RUNNING)
    running = [one for one in begun if one.state == "running"]
    may = {what: access.may(f"dead_letters.{what}") for what in ("requeue", "discard")}
    return page("dead_letters.html", request=request, causes=table, form=form, asked=asked, running=running, may=may)


@router.get(f"{PATH}/letters")
def letters(request: Request, access: Viewing, after: After = None) -> Response:
    """Show the letters of a cause, or of another filter, the newest first."""
    asked = asked_by(request, access)
    if wants_csv(request):
        return csv_response(request, "letters", lambda place: _letter_table(access, asked, place))
    with access.platform() as session:
        total = count_dead(session, asked.which)
        found = _letters(session, asked, after)
        names = organization_names(session, {job.org_id for job in found})
        cause = next(iter(list_groups(session, asked.which, limit=1)), None) if asked.which.fingerprint else None
        form = form_of(session, request, access, sorted(specs()), asked) if cause is None else None
    return page(
        "dead_letter_list.html",
        request=request,
        letters=found,
        names=names,
        total=total,
        cause=cause,
        form=form,
        asked=asked,
        next_page=_next(found),
        error_of=error_of,
        may={what: access.may(f"dead_letters.{what}") for what in ("requeue", "discard")},
    )


def error_of(job: Job) -> str:
    """Return what a letter died of, redacted."""
    return redact_text(job.last_error or "") or "No reason is on record."


def organization_names(session: Session, ids: set[UUID]) -> Mapping[UUID, str]:
    """Return the names of organizations."""
    query = select(Organization.id, Organization.name).where(Organization.id.in_(ids))
    return {org_id: name for org_id, name in session.execute(query)}  # noqa: C416  # a row is no pair to mypy


def _groups(request: Request, access: Access, asked: Asked, after: str | None) -> Table:
    sort = replace(sort_of(request, _COLUMNS, "-count"), descending=True)
    by_time = sort.column == "last"
    kinds: Sequence[Any] = (datetime.fromisoformat, str) if by_time else (int, str)
    place = position(after, *kinds)
    with access.platform() as session:
        found = list_groups(
            session,
            asked.which,
            limit=_PAGE,
            after=None if place is None else (place[0], place[1]),
            order="last_at" if by_time else "count",
        )
    following = None
    if len(found) == _PAGE:
        following = cursor(found[-1].last_at.isoformat() if by_time else found[-1].count, found[-1].fingerprint)
    return Table(
        _COLUMNS,
        [_row(group, asked) for group in found],
        sort=sort,
        next_page=following,
        caption="Causes",
        csv=True,
        empty="Nothing waits here. A job that fails for good comes to this page and stays until somebody decides.",
    )


def _row(group: Group, asked: Asked) -> tuple[Link, int, int, datetime, datetime]:
    kept = asked.without("fingerprint", "kind")
    address = f"{PATH}/letters?{urlencode({'fingerprint': group.fingerprint})}{f'&{kept}' if kept else ''}"
    about = " · ".join(part for part in (group.kind, group.error_class) if part)
    return (
        Link(group.reason or "No reason is on record.", address, about),
        group.count,
        group.tenants,
        group.first_at,
        group.last_at,
    )


def _letters(session: Session, asked: Asked, after: str | None) -> Sequence[Job]:
    return list_dead(session, asked.which, limit=_PAGE, after_id=id_position(after), newest_first=True)


def _next(found: Sequence[Job]) -> str | None:
    return cursor(found[-1].id) if len(found) == _PAGE else None


def _letter_table(access: Access, asked: Asked, after: str | None) -> Table:
    with access.platform() as session:
        found = _letters(session, asked, after)
        names = organization_names(session, {job.org_id for job in found})
    rows = [
        (
            job.finished_at,
            Link(job.kind, f"{PATH}/{job.id}", str(job.id)),
            names.get(job.org_id, str(job.org_id)),
            job.attempt,
            error_of(job),
        )
        for job in found
    ]
    return Table(_LETTER_COLUMNS, rows, next_page=_next(found), caption="Letters", csv=True)
