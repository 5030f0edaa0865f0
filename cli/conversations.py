"""Conversations, answered by a person: `gatehouse conversations list | show | reply | release`."""

from __future__ import annotations

import getpass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from cli.failure import FailureError
from cli.permitted import needs

if TYPE_CHECKING:
    from domain.conversations.takeover import Person

app = typer.Typer(help="Conversations that a person reads or answers.", no_args_is_help=True, rich_markup_mode=None)

ConversationId = Annotated[UUID, typer.Argument(help="The conversation's id.")]
AsOwner = Annotated[bool, typer.Option("--owner", help="Answer as the client's owner.")]


@app.command("list")
@needs("conversations.view")
def list_(
    client_id: Annotated[UUID, typer.Argument(help="Whose conversations; gatehouse clients list shows the ids.")],
    *,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show a client's conversations, those first in which something was said last."""
    from dataclasses import asdict  # noqa: PLC0415 - as all below: --help needs none of it

    from cli.output import show_json, show_table  # noqa: PLC0415
    from cli.scopes import platform_scope  # noqa: PLC0415
    from domain.conversations.transcript import list_conversations  # noqa: PLC0415
    from domain.kernel.redaction import redact_text  # noqa: PLC0415

    with platform_scope() as session:
        found = list_conversations(session, client_id, limit=limit)
    rows: list[dict[str, object]] = [asdict(one) | {"address": redact_text(one.address)} for one in found]
    if as_json:
        show_json(rows)
        return
    now = datetime.now(UTC)
    for row, one in zip(rows, found, strict=True):
        held = one.taken_over_until is not None and one.taken_over_until > now
        row |= {"with": row["address"], "answered_by": one.taken_over_by if held else "the AI"}
    show_table(rows, ["id", "channel", "with", "last_message_at", "answered_by"], empty="Nobody has written yet.")


@app.command()
@needs("conversations.view")
def show(
    conversation_id: ConversationId,
    *,
    limit: Annotated[int, typer.Option(min=1, max=200, help="At most so many texts, the last ones.")] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show the last texts of a conversation, and who answers it now."""
    from dataclasses import asdict  # noqa: PLC0415 - as all below: --help needs none of it

    from cli.output import show_json, show_table  # noqa: PLC0415
    from cli.scopes import platform_scope  # noqa: PLC0415
    from domain.conversations.transcript import read_transcript  # noqa: PLC0415

    with platform_scope() as session:
        found = read_transcript(session, conversation_id, limit=limit)
    if as_json:
        show_json(asdict(found))
        return
    held = found.taken_over_until is not None and found.taken_over_until > datetime.now(UTC)
    who = f"{found.taken_over_by} until {found.taken_over_until:%Y-%m-%d %H:%M} UTC" if held else "the AI"
    typer.echo(f"{found.client_name}, {found.channel}. Answered by {who}.")
    rows = [
        {"at": line.at, "from": line.author, "text": line.text, "became": line.outcome or line.delivery_state}
        for line in found.lines
    ]
    show_table(rows, ["at", "from", "text", "became"], empty="Nothing was said yet.")


@app.command()
@needs("conversations.reply")
def reply(
    conversation_id: ConversationId,
    text: Annotated[str, typer.Argument(help="What to say.")],
    *,
    owner: AsOwner = False,
) -> None:
    """Answer in place of the AI, which is then silent for the client's time."""
    from cli.scopes import begin, platform_scope  # noqa: PLC0415 - as above
    from domain.conversations.takeover import Refused, reply_as_person  # noqa: PLC0415
    from domain.kernel.clock import SystemClock  # noqa: PLC0415
    from providers.signals import RedisSignals  # noqa: PLC0415

    with platform_scope() as session:
        found = reply_as_person(session, conversation_id, text, _person(owner=owner), clock=SystemClock())
    if isinstance(found, Refused):
        raise FailureError(f"Nothing was sent: {found.reason}")
    RedisSignals(begin().redis_url.get_secret_value()).changed(conversation_id)
    done = "It is on its way" if found.delivery_id else "It stands in the chat"
    typer.echo(f"{done}. The AI is silent until {found.taken_over_until:%Y-%m-%d %H:%M} UTC.")


@app.command()
@needs("conversations.reply")
def release(conversation_id: ConversationId) -> None:
    """Let the AI answer again, from the next message on."""
    from cli.scopes import platform_scope  # noqa: PLC0415 - as above
    from domain.conversations.takeover import release as give_back  # noqa: PLC0415
    from domain.kernel.clock import SystemClock  # noqa: PLC0415

    with platform_scope() as session:
        released = give_back(session, conversation_id, _person(owner=False), clock=SystemClock())
    typer.echo("The AI answers from the next message on." if released else "The AI has it already.")


def _person(*, owner: bool) -> Person:
    from domain.audit.record import Actor  # noqa: PLC0415 - as above
    from domain.conversations.takeover import Person  # noqa: PLC0415

    return Person(Actor(name=getpass.getuser(), role="operator"), "owner" if owner else "operator")
