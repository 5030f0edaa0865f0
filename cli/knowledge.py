"""What a client's replies are grounded in: `gatehouse knowledge list | add | change | remove | import | export`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal
from uuid import UUID

import typer

from cli.asking import agreed
from cli.dead_selection import AsJson, Yes
from cli.failure import FailureError
from cli.permitted import needs, refuse_on_demo

if TYPE_CHECKING:
    from domain.replies.models import KnowledgeEntry
    from domain.replies.transfer import Difference

app = typer.Typer(help="What replies are grounded in.", no_args_is_help=True, rich_markup_mode=None)

ClientId = Annotated[UUID, typer.Argument(help="Whose; gatehouse clients list shows the ids.")]
EntryId = Annotated[UUID, typer.Argument(help="The entry's id.")]
Kinds = Literal["service", "hours", "faq"]
Title = Annotated[str | None, typer.Option(help="The service, or the question.")]
Body = Annotated[str | None, typer.Option(help="What a reply says of it.")]
Price = Annotated[str | None, typer.Option(help="Shown as it is; empty for none.")]
Keywords = Annotated[str | None, typer.Option(help="Words that customers use for it.")]


@app.command("list")
@needs("knowledge.view")
def list_(
    client_id: ClientId,
    *,
    kind: Annotated[Kinds | None, typer.Option(help="Only these.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show services, opening hours and answered questions."""
    from cli.output import show_json, show_table  # noqa: PLC0415 - as all below: --help needs none of it
    from cli.scopes import platform_scope  # noqa: PLC0415
    from domain.replies.knowledge import list_entries  # noqa: PLC0415

    with platform_scope() as session:
        rows = [_row(entry) for entry in list_entries(session, client_id, kind=kind)]
    if as_json:
        show_json(rows)
    else:
        show_table(rows, ["id", "kind", "title", "body", "price", "enabled"], empty="Nothing is known yet.")


@app.command()
@needs("knowledge.change")
def add(
    client_id: ClientId,
    kind: Annotated[Kinds, typer.Argument(help="What it is.")],
    *,
    title: Annotated[str, typer.Option(help="The service, or the question.")],
    body: Annotated[str, typer.Option(help="What a reply says of it.")],
    price: Price = None,
    keywords: Keywords = None,
) -> None:
    """Add an entry; the next reply may use it."""
    from cli.scopes import operator, platform_scope  # noqa: PLC0415
    from domain.replies.entries import NewEntry  # noqa: PLC0415
    from domain.replies.knowledge import add_entry  # noqa: PLC0415

    new = NewEntry(kind, title, body, price, keywords or "")
    with platform_scope() as session:
        entry_id = add_entry(session, client_id, new, operator()).id
    typer.echo(f"Added: {entry_id}")


@app.command()
@needs("knowledge.change")
def change(
    client_id: ClientId,
    entry_id: EntryId,
    *,
    title: Title = None,
    body: Body = None,
    price: Price = None,
    keywords: Keywords = None,
    enabled: Annotated[bool | None, typer.Option("--enable/--disable", help="Whether replies may use it.")] = None,
) -> None:
    """Change what an entry says, or whether replies use it; what is left out stays."""
    from cli.scopes import operator, platform_scope  # noqa: PLC0415
    from domain.replies.entries import EntryChange  # noqa: PLC0415
    from domain.replies.knowledge import change_entry  # noqa: PLC0415

    wanted = EntryChange(title, body, price, keywords, enabled)
    if wanted == EntryChange():
        raise FailureError("Say what to change: --title, --body, --price, --keywords, --enable or --disable.")
    with platform_scope() as session:
        change_entry(session, client_id, entry_id, wanted, operator())
    typer.echo("Changed.")


@app.command()
@needs("knowledge.remove")
def remove(client_id: ClientId, entry_id: EntryId, *, yes: Yes = False) -> None:
    """Remove an entry for good; `change --disable` keeps it."""
    from cli.scopes import operator, platform_scope  # noqa: PLC0415
    from domain.replies.knowledge import get_entry, remove_entry  # noqa: PLC0415

    with platform_scope() as session:
        title = get_entry(session, client_id, entry_id).title
    if not yes:
        agreed(f"Remove {title!r}?")
    with platform_scope() as session:
        remove_entry(session, client_id, entry_id, operator())
    typer.echo("Removed.")


@app.command("export")
@needs("knowledge.view")
def export_(
    client_id: ClientId,
    *,
    form: Annotated[Literal["yaml", "json"], typer.Option("--format", help="How it is written.")] = "yaml",
) -> None:
    """Print the knowledge base as a document that can be edited and imported."""
    from cli.scopes import platform_scope  # noqa: PLC0415
    from domain.replies.knowledge import list_entries  # noqa: PLC0415
    from domain.replies.transfer import document_of, write_yaml  # noqa: PLC0415

    with platform_scope() as session:
        document = document_of(list_entries(session, client_id))
    typer.echo(write_yaml(document).rstrip() if form == "yaml" else json.dumps(document, indent=2, ensure_ascii=False))


@app.command("import")
@needs("knowledge.change")
def import_(
    client_id: ClientId,
    file: Annotated[Path, typer.Argument(help="YAML or JSON as `export` prints it; - for the standard input.")],
    *,
    replace: Annotated[bool, typer.Option("--replace", help="Remove what the document lacks.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would change.")] = False,
    yes: Yes = False,
) -> None:
    """Bring a document in: all of it, or nothing when an entry is wrong. Entries are told apart by kind and title."""
    from domain.replies.transfer import read_document  # noqa: PLC0415

    if replace:
        refuse_on_demo("knowledge.remove")
    wanted = read_document(sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8"))
    found = _bring_in(client_id, wanted, replace=replace, dry_run=True)
    for line in found.lines():
        typer.echo(line)
    summary = f"{len(found.added)} added, {len(found.changed)} changed, {len(found.removed)} removed"
    typer.echo(f"{summary}, {found.unchanged} the same.")
    if dry_run or not found.lines():
        return
    if not yes:
        agreed("Bring it in?")
    _bring_in(client_id, wanted, replace=replace, dry_run=False)
    typer.echo("Done.")


def _bring_in(client_id: UUID, wanted: Any, *, replace: bool, dry_run: bool) -> Difference:  # noqa: ANN401 - late
    from cli.scopes import operator, platform_scope  # noqa: PLC0415
    from domain.replies.transfer import bring_in  # noqa: PLC0415

    with platform_scope() as session:
        return bring_in(session, client_id, wanted, operator(), replace=replace, dry_run=dry_run)


def _row(entry: KnowledgeEntry) -> dict[str, Any]:
    return {
        "id": entry.id,
        "kind": entry.kind,
        "title": entry.title,
        "body": entry.body,
        "price": entry.price,
        "keywords": entry.keywords,
        "enabled": entry.enabled,
        "position": entry.position,
        "version": entry.version,
    }
