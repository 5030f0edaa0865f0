"""Operations on dead letters as a command sees them: begun, followed with a bar, told at the end."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any, Final

import typer

from cli.failure import FailureError

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from domain.deadletters.models import DeadOperation
    from domain.deadletters.operations import Request
    from domain.kernel.database import Database

_LOOK_EVERY: Final = 0.5
_STUCK_AFTER: Final = 15.0
_INTERRUPTED: Final = 130


def begin_and_follow(request: Request, *, wait: bool) -> DeadOperation:
    """Begin an operation; wait for its end with a bar unless told not to. Ctrl-C stops the waiting alone."""
    from cli.scopes import operator, platform_database  # noqa: PLC0415 - as all below: --help needs none of it
    from domain.deadletters.operations import begin  # noqa: PLC0415

    with platform_database() as database:
        with database.platform_scope() as session:
            operation = begin(session, request, operator())
        if operation.state == "running" and wait:
            operation = follow(database, operation.id)
    return operation


def follow(database: Database, operation_id: UUID) -> DeadOperation:
    """Wait until an operation has ended, showing how far it has come, and return it."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn  # noqa: PLC0415

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    try:
        with Progress(*columns, disable=not sys.stderr.isatty(), console=_errors()) as progress:
            operation = _read(database, operation_id)
            task = progress.add_task(operation.action, total=operation.total)
            return _watch(
                lambda: _read(database, operation_id),
                lambda seen: progress.update(task, completed=seen.done + seen.skipped),
            )
    except KeyboardInterrupt:
        typer.echo(f"It goes on in the background. See: gatehouse dead operations {operation_id}", err=True)
        raise typer.Exit(_INTERRUPTED) from None


def tell(operation: DeadOperation, done: str) -> None:
    """Print what an operation came to, `done` in words. Raises FailureError when letters stay dead."""
    if operation.state == "running":
        typer.echo(f"{operation.total} {done} in the background. See: gatehouse dead operations {operation.id}")
        return
    typer.echo(f"{operation.done} {done}.")
    if operation.state == "cancelled":
        raise FailureError("The operation was cancelled; the rest stay dead.")
    if operation.skipped:
        raise FailureError(
            f"{operation.skipped} stay dead: a live job or a newer letter holds their unique key, or somebody else"
            " was faster."
        )


def row(operation: DeadOperation) -> dict[str, Any]:
    """Return an operation as a line of a table."""
    narrowing = ", ".join(f"{name} {value}" for name, value in operation.filter.items() if name != "ids")
    ids = operation.filter.get("ids")
    return {
        "id": operation.id,
        "action": operation.action,
        "state": operation.state,
        "done": operation.done,
        "skipped": operation.skipped,
        "total": operation.total,
        "per_minute": operation.per_minute,
        "which": f"{len(ids)} by id" if ids else narrowing,
        "actor": operation.actor,
        "reason": operation.reason,
        "began": operation.created_at,
        "ended": operation.finished_at,
    }


def _watch(read: Callable[[], DeadOperation], show: Callable[[DeadOperation], None]) -> DeadOperation:
    moved, last, warned = time.monotonic(), -1, False
    while True:
        operation = read()
        show(operation)
        if operation.state != "running":
            return operation
        if operation.done + operation.skipped != last:
            moved, last = time.monotonic(), operation.done + operation.skipped
        elif not warned and operation.per_minute is None and time.monotonic() - moved > _STUCK_AFTER:
            typer.echo("Nothing moves. Does a worker run, and is the queue maintenance open?", err=True)
            warned = True
        time.sleep(_LOOK_EVERY)


def _read(database: Database, operation_id: UUID) -> DeadOperation:
    from domain.deadletters.operations import find  # noqa: PLC0415

    with database.platform_scope() as session:
        return find(session, operation_id)


def _errors() -> Any:  # noqa: ANN401 - rich is loaded late
    from rich.console import Console  # noqa: PLC0415

    return Console(stderr=True)
