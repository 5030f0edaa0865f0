"""Put the arguments of a dead letter right: `gatehouse dead edit`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import typer

from cli.asking import Reason
from cli.failure import FailureError, NotGivenError
from cli.permitted import needs


@needs("dead_letters.edit")
def edit(
    job_id: Annotated[UUID, typer.Argument(help="The job's id.")],
    *,
    args: Annotated[str | None, typer.Option(help="All its arguments as JSON, or @FILE; else in an editor.")] = None,
    reason: Reason = "",
    run: Annotated[bool, typer.Option("--requeue", help="Run it again with them.")] = False,
) -> None:
    """Put the arguments of a dead letter right; they are checked against its kind."""
    from cli.scopes import operator, platform_scope  # noqa: PLC0415
    from domain.deadletters.edit import edit as edit_dead  # noqa: PLC0415
    from domain.deadletters.operations import Request, begin  # noqa: PLC0415
    from domain.queue.dead import DeadFilter  # noqa: PLC0415

    given = _arguments(_edited(job_id) if args is None else args)
    with platform_scope() as session:
        edit_dead(session, job_id, given, reason=reason, actor=operator())
        if run:
            session.flush()
            begin(session, Request("requeue", DeadFilter(ids=[job_id]), reason), operator())
    typer.echo("Changed and queued again." if run else f"Changed. Run it: gatehouse dead requeue {job_id}")


def _edited(job_id: UUID) -> str:
    """Return a letter's arguments as a person leaves them in an editor; that they were shown is kept on record."""
    from click import edit as open_editor  # noqa: PLC0415

    from cli.scopes import operator, platform_scope  # noqa: PLC0415
    from domain.audit.record import Act, record  # noqa: PLC0415
    from domain.deadletters.edit import find_dead  # noqa: PLC0415

    if not typer.get_text_stream("stdin").isatty():
        raise NotGivenError("Give --args.")
    with platform_scope() as session:
        job = find_dead(session, job_id)
        record(session, operator(), Act("dead_letter.reveal", "job", str(job.id), org_id=job.org_id))
        stored = json.dumps(job.args, indent=2, ensure_ascii=False)
    left = open_editor(stored, extension=".json")
    if left is None or left.strip() == stored:
        raise FailureError("Nothing was changed.")
    return left


def _arguments(given: str) -> dict[str, Any]:
    try:
        text = Path(given[1:]).read_text() if given.startswith("@") else given
        found = json.loads(text)
    except json.JSONDecodeError as error:
        raise FailureError(f"The arguments are no JSON: {error.msg} (line {error.lineno}).") from None
    if not isinstance(found, dict):
        raise FailureError("The arguments are a JSON object, with a field for each of them.")
    return found
