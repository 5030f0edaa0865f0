"""Which dead letters a command means: the options that `gatehouse dead list | groups | requeue | discard` share."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from cli.failure import FailureError

if TYPE_CHECKING:
    from domain.queue.dead import DeadFilter

Kind = Annotated[str | None, typer.Option(help="Only this kind, such as delivery.send.")]
Fingerprint = Annotated[str | None, typer.Option(help="Only those that failed alike.")]
Org = Annotated[str | None, typer.Option(help="Only this organization's: its slug or id.")]
After = Annotated[datetime | None, typer.Option(help="Only those that died at or after this time (UTC).")]
Before = Annotated[datetime | None, typer.Option(help="Only those that died before this time (UTC).")]
Ids = Annotated[list[UUID] | None, typer.Argument(help="Jobs by id.")]
All = Annotated[bool, typer.Option("--all", help="All that are dead.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Don't ask.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
NoWait = Annotated[bool, typer.Option("--no-wait", help="Don't wait until many are done.")]
Reason = Annotated[str | None, typer.Option(help="Why; kept in the audit log.")]


def chosen(
    ids: list[UUID] | None,
    kind: str | None,
    fingerprint: str | None,
    org: str | None,
    after: datetime | None,
    before: datetime | None,
) -> DeadFilter:
    """Return the filter that the options say. Raises OrganizationNotFoundError."""
    from cli.organizations import id_given  # noqa: PLC0415 - --help needs none of it
    from domain.queue.dead import DeadFilter  # noqa: PLC0415 - as above

    return DeadFilter(ids or None, kind, fingerprint, id_given(org), _utc(after), _utc(before))


def named(which: DeadFilter, *, everything: bool) -> DeadFilter:
    """Return the filter, but refuse to mean all dead letters by leaving every option out."""
    from domain.queue.dead import DeadFilter  # noqa: PLC0415

    if which == DeadFilter() and not everything:
        raise FailureError("Say which: ids, --kind, --fingerprint, --org, --after, --before, or --all.")
    return which


def _utc(time: datetime | None) -> datetime | None:
    return time.replace(tzinfo=UTC) if time and time.tzinfo is None else time
