"""Flags, kill switches and settings: `gatehouse flags list | show | set | target | revert | evaluate | …`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal
from uuid import UUID

import typer

from cli.asking import asking
from cli.dead_selection import AsJson, Reason
from cli.permitted import needs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from domain.flags.change import Change
    from domain.flags.models import Flag, FlagTarget

app = typer.Typer(help="Flags, kill switches and runtime settings.", no_args_is_help=True, rich_markup_mode=None)

Key = Annotated[str, typer.Argument(help="The flag's name.")]
Given = Annotated[str, typer.Argument(help="true or false, a number, a text, or JSON: what the flag's type says.")]
ForVersion = Annotated[int | None, typer.Option("--version", help="Refuse when the flag is at another version.")]
Org = Annotated[str | None, typer.Option(help="For this organization: its slug or id.")]
Kinds = Literal["flag", "kill_switch", "setting"]
Types = Literal["boolean", "string", "integer", "float", "object"]
_COLUMNS = ["key", "kind", "type", "value", "targets", "version", "about"]


@app.command("list")
@needs("flags.view")
def list_(
    *,
    kind: Annotated[Kinds | None, typer.Option(help="Only these.")] = None,
    archived: Annotated[bool, typer.Option("--archived", help="Archived ones as well.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show what there is and what it is set to."""
    from cli.output import show_json, show_table  # noqa: PLC0415 - as all below: --help needs none of it
    from cli.scopes import platform_scope  # noqa: PLC0415
    from domain.flags.change import targets_of  # noqa: PLC0415
    from domain.flags.listing import list_flags  # noqa: PLC0415

    with platform_scope() as session:
        found = list_flags(session, kind=kind, archived=archived, limit=1_000)
        rows = [_row(flag, targets_of(session, flag.key)) for flag in found]
    if as_json:
        show_json(rows)
    else:
        show_table(rows, _COLUMNS, empty="There is none. Run: gatehouse migrate")


@app.command()
@needs("flags.view")
def show(key: Key, *, as_json: AsJson = False) -> None:
    """Show one with its targets and its history."""
    from cli.output import show_json, show_table  # noqa: PLC0415
    from cli.scopes import platform_scope  # noqa: PLC0415
    from domain.flags.definitions import DEFINITIONS  # noqa: PLC0415
    from domain.flags.listing import get_flag, list_revisions  # noqa: PLC0415

    with platform_scope() as session:
        flag, targets = get_flag(session, key)
        row, shown = _row(flag, targets), [_target(one) for one in targets]
        history = [
            {"version": one.version, "at": one.created_at, "by": one.actor, "default": one.document["default"],
             "targets": len(one.document["targets"]), "reason": one.reason}
            for one in list_revisions(session, key)
        ]  # fmt: skip
    if as_json:
        show_json({**row, "targets": shown, "revisions": history})
        return
    definition = DEFINITIONS.get(key)
    show_table([row], _COLUMNS, empty="")
    typer.echo(f"Read by {definition.read_by}." if definition else "No code of this release reads it.")
    show_table(shown, ["position", "value", "tenant", "client", "percentage"], empty="It has no targets.")
    show_table(history, ["version", "at", "by", "default", "targets", "reason"], empty="")


@app.command("set")
@needs("flags.change")
def set_(key: Key, value: Given, *, reason: Reason = None, version: ForVersion = None) -> None:
    """Set what holds where no target fits. It is in force everywhere within a second."""
    from domain.flags.change import Change  # noqa: PLC0415

    def change(flag: Flag, _targets: Sequence[FlagTarget]) -> Change:
        return Change(default=_parsed(flag, value))

    _change(key, change, reason, version)


@app.command()
@needs("flags.change")
def target(
    key: Key,
    value: Given,
    *,
    org: Org = None,
    client: Annotated[UUID | None, typer.Option(help="For this client.")] = None,
    percentage: Annotated[float | None, typer.Option(min=0, max=100, help="For this share of them.")] = None,
    reason: Reason = None,
    version: ForVersion = None,
) -> None:
    """Give somebody another value; changes the target of the same organization and client, if there is one."""
    from cli.organizations import id_given  # noqa: PLC0415
    from domain.flags.change import Change  # noqa: PLC0415
    from domain.flags.ports import Target  # noqa: PLC0415

    tenant = id_given(org)

    def change(flag: Flag, targets: Sequence[FlagTarget]) -> Change:
        new = Target(_parsed(flag, value), tenant, client, percentage)
        kept = [_as_target(one) for one in targets]
        places = [place for place, one in enumerate(kept) if (one.tenant_id, one.client_id) == (tenant, client)]
        if places:
            kept[places[0]] = new
        else:
            kept.append(new)
        return Change(targets=kept)

    _change(key, change, reason, version)


@app.command()
@needs("flags.change")
def untarget(
    key: Key,
    position: Annotated[int, typer.Argument(min=0, help="As `gatehouse flags show` counts them.")],
    *,
    reason: Reason = None,
    version: ForVersion = None,
) -> None:
    """Take a target off."""
    from cli.failure import FailureError  # noqa: PLC0415
    from domain.flags.change import Change  # noqa: PLC0415

    def change(_flag: Flag, targets: Sequence[FlagTarget]) -> Change:
        if position >= len(targets):
            raise FailureError(f"{key} has {len(targets)} targets, counted from 0.")
        return Change(targets=[_as_target(one) for place, one in enumerate(targets) if place != position])

    _change(key, change, reason, version)


@app.command()
@needs("flags.change")
def revert(
    key: Key,
    to: Annotated[int, typer.Argument(min=1, help="The version that it shall be as again.")],
    *,
    reason: Reason = None,
    version: ForVersion = None,
) -> None:
    """Put it back to what it was at a version; brings back one that was archived."""
    from cli.scopes import operator, platform_scope  # noqa: PLC0415
    from domain.flags.revert import revert_flag  # noqa: PLC0415

    with platform_scope() as session:
        flag = revert_flag(session, key, to, operator(), version=version, reason=reason)
    typer.echo(f"{key} is as it was at version {to}; this is version {flag.version}.")


@app.command()
@needs("flags.change")
def create(
    key: Key,
    value: Given,
    *,
    about: Annotated[str, typer.Option(help="What it is for.", callback=asking("--about", "What is it for?"))] = "",
    value_type: Annotated[Types, typer.Option("--type", help="What it holds.")] = "boolean",
    reason: Reason = None,
) -> None:
    """Create a flag of your own; what the code reads is there already."""
    from cli.scopes import operator, platform_scope  # noqa: PLC0415
    from domain.flags.change import NewFlag, create_flag  # noqa: PLC0415

    with platform_scope() as session:
        create_flag(session, NewFlag(key, value_type, _value(value_type, value), about), operator(), reason=reason)
    typer.echo(f"{key} is there.")


@app.command()
@needs("flags.change")
def archive(key: Key, *, reason: Reason = None, version: ForVersion = None) -> None:
    """Take a flag of your own out of force; it keeps its history, and `revert` brings it back."""
    from cli.scopes import operator, platform_scope  # noqa: PLC0415
    from domain.flags.change import archive_flag  # noqa: PLC0415

    with platform_scope() as session:
        archive_flag(session, key, operator(), version=version, reason=reason)
    typer.echo(f"{key} is archived.")


@app.command()
@needs("flags.view")
def evaluate(
    key: Key,
    *,
    org: Org = None,
    client: Annotated[UUID | None, typer.Option(help="For this client.")] = None,
    subject: Annotated[str | None, typer.Option(help="Draw a share by this instead.")] = None,
) -> None:
    """Say what somebody gets, and why."""
    from cli.flag_values import shown  # noqa: PLC0415
    from cli.organizations import id_of  # noqa: PLC0415
    from cli.scopes import platform_scope  # noqa: PLC0415
    from domain.flags.listing import evaluate_stored  # noqa: PLC0415
    from domain.flags.ports import Subject  # noqa: PLC0415

    with platform_scope() as session:
        found = evaluate_stored(session, key, Subject(id_of(session, org), client, subject))
    typer.echo(f"{shown(found.value)}\n{found.words}")


def _change(key: str, make: Any, reason: str | None, version: int | None) -> None:  # noqa: ANN401 - made of both rows
    from cli.scopes import operator, platform_scope  # noqa: PLC0415
    from domain.flags.change import apply_change, held, targets_of  # noqa: PLC0415

    with platform_scope() as session:
        flag = held(session, key, version)
        before = flag.version
        change: Change = make(flag, targets_of(session, key))
        after = apply_change(session, flag, change, operator(), "changed", reason).version
    typer.echo(f"{key} is at version {after}." if after != before else f"{key} was so already.")


def _parsed(flag: Flag, value: str) -> Any:  # noqa: ANN401 - of the flag's type
    return _value(flag.value_type, value)


def _value(value_type: Types, value: str) -> Any:  # noqa: ANN401 - as above
    from cli.flag_values import parsed  # noqa: PLC0415

    return parsed(value_type, value)


def _as_target(one: FlagTarget) -> Any:  # noqa: ANN401 - loaded late
    from domain.flags.ports import Target  # noqa: PLC0415

    return Target(one.value, one.tenant_id, one.client_id, one.percentage)


def _row(flag: Flag, targets: Sequence[FlagTarget]) -> dict[str, Any]:
    from cli.flag_values import shown  # noqa: PLC0415

    return {
        "key": flag.key,
        "kind": flag.kind,
        "type": flag.value_type,
        "value": shown(flag.default_value) if flag.archived_at is None else "archived",
        "targets": len(targets),
        "version": flag.version,
        "about": flag.about,
    }


def _target(one: FlagTarget) -> dict[str, Any]:
    from cli.flag_values import shown  # noqa: PLC0415

    return {
        "position": one.position,
        "value": shown(one.value),
        "tenant": one.tenant_id,
        "client": one.client_id,
        "percentage": one.percentage,
    }
