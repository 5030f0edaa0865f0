"""Which dead letters a page is about, as its address says it: read from the query, and written into links and forms."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode
from uuid import UUID

from api.dashboard.filters import Field, Filters, TimeRange, time_range
from api.errors import ProblemError
from domain.queue.dead import PAGE, DeadFilter
from domain.tenancy.listing import list_organizations

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fastapi import Request
    from sqlalchemy.orm import Session
    from starlette.datastructures import QueryParams

    from api.access.requires import Access

LISTED: Final = 200
"""Organizations that a filter offers."""
_NAMES: Final = ("kind", "org", "text", "fingerprint")
_LONGEST: Final = 200


@dataclass(frozen=True, slots=True)
class Asked:
    """What the address of a page asks for. `time`: of the form; `chosen`: letters that were picked by hand."""

    which: DeadFilter
    pairs: Sequence[tuple[str, str]]
    time: TimeRange

    @property
    def query(self) -> str:
        """The same as the query of another page's address."""
        return urlencode(self.pairs)

    @property
    def is_all(self) -> bool:
        """Whether nothing narrows it."""
        return self.which == DeadFilter()

    def without(self, *names: str) -> str:
        """Return the query without some parts of it."""
        return urlencode([(name, value) for name, value in self.pairs if name not in names])


def asked_by(request: Request, access: Access) -> Asked:
    """Return what a page's query asks for; times are in the viewer's zone."""
    time = time_range(request, default="all")
    pairs = [(name, request.query_params[name]) for name in ("time", "begins", "ends") if name in request.query_params]
    return _asked(request.query_params, access, time, pairs, time.since, time.until)


def sent_by(form: Mapping[str, str], ids: Sequence[str], access: Access) -> Asked:
    """Return what a form asks for that holds the filter in `hidden`: times are exact in it."""
    since, until = (_moment(form.get(name, "")) for name in ("since", "until"))
    return _asked(form, access, TimeRange("all", since, until), [], since, until, ids)


def hidden(asked: Asked) -> Sequence[tuple[str, str]]:
    """Return the filter as hidden fields of a form, which mean the same letters whenever it is sent."""
    which = asked.which
    named = [pair for pair in asked.pairs if pair[0] in {*_NAMES, "ids"}]
    ends = [("since", which.after), ("until", which.before)]
    return [*named, *((name, at.isoformat()) for name, at in ends if at is not None)]


def form_of(session: Session, request: Request, access: Access, kinds: Sequence[str], asked: Asked) -> Filters:
    """Return the fields that narrow the list."""
    query = request.query_params
    fields = [
        Field("text", "Error", query.get("text", "")[:_LONGEST], "search", hint="part of it"),
        Field("kind", "Kind", query.get("kind", ""), "select", [("", "Any"), *((kind, kind) for kind in kinds)]),
    ]
    if access.organization is None:
        names = [(str(one.id), one.name) for one in list_organizations(session, limit=LISTED)]
        fields.append(Field("org", "Organization", query.get("org", ""), "select", [("", "Any"), *names]))
    return Filters(fields, asked.time)


def _asked(
    given: Mapping[str, str] | QueryParams,
    access: Access,
    time: TimeRange,
    pairs: list[tuple[str, str]],
    since: datetime | None,
    until: datetime | None,
    ids: Sequence[str] | None = None,
) -> Asked:
    named = {name: given.get(name, "").strip()[:_LONGEST] for name in _NAMES}
    written = ids if ids is not None else getattr(given, "getlist", lambda _: [])("ids")
    chosen = [_id(one) for one in written[: PAGE + 1]]
    if len(chosen) > PAGE:
        raise ProblemError(422, f"{PAGE:,} letters can be picked at once. Narrow the list and take all of it instead.")
    org = access.org_id or (_id(named["org"]) if named["org"] else None)
    which = DeadFilter(
        ids=chosen or None,
        kind=named["kind"] or None,
        fingerprint=named["fingerprint"] or None,
        org_id=org,
        after=since,
        before=until,
        text=named["text"] or None,
    )
    kept = [(name, value) for name, value in named.items() if value] + [("ids", str(one)) for one in chosen]
    return Asked(which, [*kept, *pairs], time)


def _id(written: str) -> UUID:
    try:
        return UUID(written)
    except ValueError:
        raise ProblemError(422, "The address of this page names an id that is none.") from None


def _moment(written: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(written) if written else None
    except ValueError:
        found = None
    if written and (found is None or found.tzinfo is None):
        raise ProblemError(422, "The form names a time that is none.")
    return found
