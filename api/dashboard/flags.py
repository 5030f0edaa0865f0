"""Kill switches of the platform, settings and flags: what is in force, for whom, since when, and how it is changed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Form, Request
from starlette.responses import RedirectResponse, Response

from api.access.requires import Access, requires
from api.dashboard.flash import flash
from api.dashboard.tables import Cell, Column, Link, State, Table, Text
from api.errors import ProblemError
from api.pages import page
from api.schemas.flags import Key, revision_documents
from domain.clients.listing import Which, list_with_organizations
from domain.flags.change import Change, change_flag
from domain.flags.definitions import DEFINITIONS
from domain.flags.listing import count_targets, get_flag, list_flags, list_revisions
from domain.flags.ports import Target
from domain.flags.revert import revert_flag
from domain.tenancy.listing import list_organizations

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy.orm import Session

    from domain.flags.models import Flag, FlagTarget
    from domain.flags.ports import Kind, Value, ValueType

router = APIRouter(include_in_schema=False)
Viewing = Annotated[Access, requires("flags.view")]
Changing = Annotated[Access, requires("flags.change")]
Reason = Annotated[str, Form(min_length=1, max_length=500)]
Version = Annotated[int, Form(ge=1)]
PATH: Final = "/dashboard/flags"
_FLAGS: Final = 200
_REVISIONS: Final = 20
_LONGEST: Final = 40
"""Characters of a value that a list shows."""
_OFFERED: Final = 200
"""Organizations and clients that the form of a target offers; others are targeted by the command line."""
KINDS: Final[Mapping[Kind, str]] = {"kill_switch": "Kill switches", "setting": "Settings", "flag": "Flags"}
_COLUMNS: Final = (
    Column("key", "Name", "link"),
    Column("value", "For everybody", "state"),
    Column("targets", "For some", "number"),
    Column("about", "What it is for"),
    Column("changed", "Last changed", "ago"),
)
_SPANS: Final[Mapping[ValueType, str]] = {
    "boolean": "true or false",
    "string": "a text",
    "integer": "a whole number",
    "float": "a number",
    "object": "JSON",
}


@router.get(PATH)
def flags(request: Request, access: Viewing) -> Response:
    """Show everything that can be changed while it runs, by kind."""
    with access.platform() as session:
        found = list_flags(session, limit=_FLAGS)
        targeted = count_targets(session)
    tables = [
        (
            title,
            Table(
                _COLUMNS,
                [_row(flag, targeted.get(flag.key)) for flag in found if flag.kind == kind],
                caption=title,
                empty="There is none. Operators may add their own: gatehouse flags create --help",
            ),
        )
        for kind, title in KINDS.items()
    ]
    return page("flags.html", request=request, tables=tables)


@router.get(f"{PATH}/{{key}}")
def flag(request: Request, key: Key, access: Viewing) -> Response:
    """Show one: its value, who gets another one, and every version that it had of late."""
    with access.platform() as session:
        found, targets = get_flag(session, key)
        # One more than is shown: what the last one changed is seen against the one before it.
        revisions = revision_documents(list_revisions(session, key, limit=_REVISIONS + 1))[:_REVISIONS]
        subjects = _subjects(session)
    definition = DEFINITIONS.get(key)
    return page(
        "flag.html",
        request=request,
        flag=found,
        value=_written(found.default_value),
        takes=_SPANS[found.value_type],
        bounds=None if definition is None or definition.least is None else (definition.least, definition.most),
        read_by=None if definition is None else definition.read_by,
        targets=[(_whom(one, dict(subjects)), _written(one.value), one.position) for one in targets],
        subjects=subjects,
        revisions=revisions,
        may_change=access.may("flags.change"),
    )


@router.post(f"{PATH}/{{key}}/value")
def set_value(
    request: Request, key: Key, value: Annotated[str, Form()], version: Version, reason: Reason, access: Changing
) -> Response:
    """Change what everybody gets whom no target fits."""
    with access.platform() as session:
        found, _ = get_flag(session, key)
        change = Change(default=_read(found.value_type, value))
        change_flag(session, key, change, access.actor, version=version, reason=reason)
    return _back(request, key, "Changed. It is in force everywhere within a second.")


@router.post(f"{PATH}/{{key}}/targets")
def add_target(
    request: Request,
    key: Key,
    whom: Annotated[str, Form()],
    value: Annotated[str, Form()],
    version: Version,
    reason: Reason,
    access: Changing,
) -> Response:
    """Give an organization or a client another value; it is asked before those that are there."""
    sort, _, id_ = whom.partition(":")
    try:
        subject = UUID(id_)
    except ValueError:
        raise ProblemError(422, "Choose an organization or a client.") from None
    with access.platform() as session:
        found, targets = get_flag(session, key)
        target = Target(
            _read(found.value_type, value),
            subject if sort == "organization" else None,
            subject if sort == "client" else None,
        )
        change = Change(targets=[target, *map(_kept, targets)])
        change_flag(session, key, change, access.actor, version=version, reason=reason)
    return _back(request, key, "Added. It is in force everywhere within a second.")


@router.post(f"{PATH}/{{key}}/targets/remove")
def remove_target(
    request: Request, key: Key, position: Annotated[int, Form()], version: Version, reason: Reason, access: Changing
) -> Response:
    """Let somebody get what the others get."""
    with access.platform() as session:
        _, targets = get_flag(session, key)
        change = Change(targets=[_kept(one) for one in targets if one.position != position])
        change_flag(session, key, change, access.actor, version=version, reason=reason)
    return _back(request, key, "Removed. It is in force everywhere within a second.")


@router.post(f"{PATH}/{{key}}/revert")
def revert(
    request: Request, key: Key, to: Annotated[int, Form(ge=1)], version: Version, reason: Reason, access: Changing
) -> Response:
    """Put it back to what it was at a version."""
    with access.platform() as session:
        revert_flag(session, key, to, access.actor, version=version, reason=reason)
    return _back(request, key, f"It is what it was at version {to}, everywhere within a second.")


def _back(request: Request, key: str, said: str) -> Response:
    response = RedirectResponse(f"{PATH}/{key}", status_code=303)
    flash(request, response, said)
    return response


def _read(value_type: ValueType, written: str) -> Value:
    """Return what was written into the form, of which the domain says whether it fits."""
    if value_type == "string":
        return written
    try:
        value: Value = json.loads(written)
    except (ValueError, RecursionError):
        raise ProblemError(422, f"The value has to be {_SPANS[value_type]}.") from None
    return value


def _written(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _kept(target: FlagTarget) -> Target:
    return Target(target.value, target.tenant_id, target.client_id, target.percentage)


def _subjects(session: Session) -> Sequence[tuple[str, str]]:
    """Return who can be chosen, as pairs of what the form sends and a name."""
    organizations = list_organizations(session, limit=_OFFERED)
    clients = list_with_organizations(session, Which(), limit=_OFFERED)
    return [
        *((f"organization:{one.id}", f"{one.name}, all clients") for one in organizations),
        *((f"client:{one.id}", f"{one.name} ({organization.name})") for one, organization in clients),
    ]


def _whom(target: FlagTarget, names: Mapping[str, str]) -> str:
    share = "" if target.percentage is None else f"{target.percentage:g}% of "
    if target.client_id is not None:
        return share + names.get(f"client:{target.client_id}", f"client {target.client_id}")
    if target.tenant_id is not None:
        return share + names.get(f"organization:{target.tenant_id}", f"organization {target.tenant_id}")
    return f"{share}everybody"


def _row(flag: Flag, targets: int | None) -> Sequence[Cell]:
    value = _written(flag.default_value)
    shown: Cell = value if len(value) <= _LONGEST else Text(f"{value[:_LONGEST]}…")
    if flag.kind == "kill_switch":
        shown = State("bad", "stopped") if flag.default_value is True else State("good", "runs")
    return (Link(flag.key, f"{PATH}/{flag.key}"), shown, targets, flag.about, flag.updated_at)
