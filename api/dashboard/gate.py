"""The gate: which switches are thrown, and what was not let pass, by which guard and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Form, Request
from starlette.responses import RedirectResponse, Response

from api.access.requires import Access, requires
from api.dashboard.client_words import SWITCHES
from api.dashboard.deliveries import client_names, client_options, wanted_client
from api.dashboard.filters import Field, Filters, time_range
from api.dashboard.flash import flash
from api.dashboard.organizations import organization_field
from api.dashboard.tables import Cell, Column, Link, State, Table, Text, csv_response, wants_csv
from api.errors import ProblemError
from api.pages import page
from api.schemas.paging import After, cursor, id_position
from domain.clients.stopped import stopped_clients
from domain.flags.change import Change, change_flag
from domain.flags.definitions import DEFINITIONS
from domain.flags.listing import get_flag
from domain.gate.blocks import WhichBlocks, list_blocks
from domain.gate.guards import Guard

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from api.dashboard.filters import TimeRange
    from domain.gate.models import GuardLog

router = APIRouter(include_in_schema=False)
Viewing = Annotated[Access, requires("journeys.view")]
Flipping = Annotated[Access, requires("flags.change")]
PATH: Final = "/dashboard/gate"
_PAGE: Final = 50
_STOPPED: Final = 50
_SHORT: Final = 2
"""Letters of an abbreviation."""
_SWITCHES: Final = [one.key for one in DEFINITIONS.values() if one.kind == "kill_switch"]
_COLUMNS: Final = (
    Column("at", "When", "time"),
    Column("client", "Client", "link"),
    Column("block", "Block", "state"),
    Column("reason", "Why"),
    Column("journey", "Journey", "link"),
)
_CLIENT_COLUMNS: Final = (Column("client", "Client", "link"), Column("stopped", "Stopped"))


@router.get(PATH)
def gate(request: Request, access: Viewing, after: After = None) -> Response:
    """Show the switches that are thrown, and what the gate stopped, the newest first."""
    span = time_range(request)
    which = _which(request, span)
    if wants_csv(request):
        return csv_response(request, "blocked", lambda place: _table(access, which, place))
    with access.scope() as session:
        stopped = stopped_clients(session, limit=_STOPPED)
        form = Filters(
            (
                *organization_field(session, access, request.query_params.get("org", "")),
                Field("client", "Client", request.query_params.get("client", ""), "select", client_options(session)),
                Field("guard", "Guard", which.guard or "", "select", _guards()),
            ),
            span,
        )
    clients = Table(
        _CLIENT_COLUMNS,
        [(Link(one.name, f"/dashboard/clients/{one.id}", one.organization), _switches(one.stopped)) for one in stopped],
        caption="Clients with a switch thrown",
        empty="No switch of a client is thrown.",
    )
    return page(
        "gate.html",
        request=request,
        blocks=_table(access, which, after),
        form=form,
        clients=clients,
        platform=_platform(flags) if (flags := access.by("flags.view")) is not None else None,
        may_throw=access.may("flags.change"),
    )


@router.post(f"{PATH}/switches/{{key}}/{{to}}")
def throw(
    request: Request, key: str, to: str, reason: Annotated[str, Form(min_length=1, max_length=500)], access: Flipping
) -> Response:
    """Throw a switch of the platform: `to` is "stop" or "resume"."""
    if key not in _SWITCHES or to not in {"stop", "resume"}:
        raise ProblemError(404, "There is no such switch.")
    with access.platform() as session:
        change_flag(session, key, Change(default=to == "stop"), access.actor, version=None, reason=reason)
    response = RedirectResponse(PATH, status_code=303)
    said = "stopped. It is in force everywhere within a second." if to == "stop" else "goes on."
    flash(request, response, f"{_title(key)}: {said}")
    return response


def _title(key: str) -> str:
    """Return the title of a switch of the platform, such as "Outbound, for everybody"."""
    what = key.rpartition(".")[2].removesuffix("_stopped").replace("_", " ")
    return f"{what.upper() if len(what) <= _SHORT else what.capitalize()}, for everybody"


def _platform(access: Access) -> Sequence[tuple[str, str, str, bool, bool]]:
    """Return the platform's switches: key, title, what they are for, whether thrown, whether for some alone."""
    with access.platform() as session:
        found = [get_flag(session, key) for key in _SWITCHES]
        return [
            (
                flag.key,
                _title(flag.key),
                flag.about,
                flag.default_value is True,
                any(one.value is True for one in targets),
            )
            for flag, targets in found
        ]


def _which(request: Request, span: TimeRange) -> WhichBlocks:
    query = request.query_params
    org, guard = query.get("org", ""), query.get("guard", "")
    try:
        org_id = UUID(org) if org else None
    except ValueError:
        org_id = None
    return WhichBlocks(
        org_id=org_id,
        client_id=wanted_client(request),
        guard=Guard(guard) if guard in set(Guard) else None,
        since=span.since,
        until=span.until,
    )


def _guards() -> Sequence[tuple[str, str]]:
    return [("", "Any"), *((guard.value, guard.value.replace("_", " ")) for guard in Guard)]


def _table(access: Access, which: WhichBlocks, after: str | None) -> Table:
    with access.scope() as session:
        found = list_blocks(session, which, limit=_PAGE, after=id_position(after))
        names = client_names(session, {one.client_id for one in found})
    return Table(
        _COLUMNS,
        [_row(one, names) for one in found],
        next_page=cursor(found[-1].id) if len(found) == _PAGE else None,
        caption="What was not let pass",
        csv=True,
        empty="The gate stopped nothing that fits. Choose a longer time, or take a part of the filter away.",
    )


def _row(one: GuardLog, names: Mapping[UUID, str]) -> Sequence[Cell]:
    weight = State("bad", "nothing is sent") if one.block == "hard" else State("limited", "fallback or later")
    journey = None
    if one.correlation_id is not None:
        journey = Link("Journey", f"/dashboard/journeys/{one.correlation_id}")
    return (
        one.decided_at,
        Link(names.get(one.client_id, str(one.client_id)), f"/dashboard/clients/{one.client_id}"),
        State(weight.tone, weight.text, one.guard.replace("_", " ")),
        Text(one.reason, f"rules {one.rule_version}, asked about {one.subject}"),
        journey,
    )


def _switches(stopped: Sequence[str]) -> str:
    titles = {switch.value: words.title for switch, words in SWITCHES.items()}
    return ", ".join(titles[name] for name in stopped)
