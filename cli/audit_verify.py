"""Proof of what was done: `gatehouse audit head | verify`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

from cli.failure import FAILED, FailureError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from domain.audit.chain import Head
    from domain.audit.verify import Verified

Org = Annotated[str | None, typer.Option(help="Only this organization's chain: its slug or id.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def head(*, org: Org = None, as_json: AsJson = False) -> None:
    """Show the last entry of each chain: keep it elsewhere, for `verify --against`."""
    from cli.organizations import id_of  # noqa: PLC0415 - as all below: --help needs none of it
    from cli.output import show_json, show_table  # noqa: PLC0415
    from cli.scopes import platform_scope  # noqa: PLC0415
    from domain.audit.heads import as_document  # noqa: PLC0415
    from domain.audit.verify import heads  # noqa: PLC0415

    with platform_scope() as session:
        rows = [as_document(found) for found in heads(session, id_of(session, org))]
    if as_json:
        show_json(rows)
    else:
        show_table(rows, ["org_id", "sequence", "hash"], empty="Nothing was recorded yet.")


def verify(
    *,
    org: Org = None,
    against: Annotated[Path | None, typer.Option(help="Heads that were kept: what `head --json` printed.")] = None,
    as_json: AsJson = False,
) -> None:
    """Look for entries that were changed, removed, moved or cut off; exit with status 1 when there are any."""
    from cli.organizations import id_of  # noqa: PLC0415
    from cli.output import show_json  # noqa: PLC0415
    from cli.scopes import platform_database  # noqa: PLC0415
    from domain.audit.verify import verify as verify_chains  # noqa: PLC0415

    noted = [] if against is None else _noted(against)
    chains = entries = found = 0
    broken: list[Verified] = []
    with platform_database() as database:
        with database.platform_scope() as session:
            org_id = id_of(session, org)
        for verified in verify_chains(database.platform_scope, org_id, noted=noted, progress=_progress()):
            chains, entries, found = chains + 1, entries + verified.entries, found + verified.found
            if verified.found:
                broken.append(verified)
    rows = [row for verified in broken for row in _rows(verified)]
    if as_json:
        show_json({"chains": chains, "entries": entries, "found": found, "findings": rows})
    else:
        _tell(broken, f"{entries} entries of {chains} chains")
    if found:
        raise typer.Exit(FAILED)


def _tell(broken: Sequence[Verified], looked_at: str) -> None:
    for verified in broken:
        typer.echo(f"organization {verified.org_id}:")
        for finding in verified.findings:
            typer.echo(f"  {finding.words}{f'  {finding.entry_id}' if finding.entry_id else ''}")
        if verified.found > len(verified.findings):
            typer.echo(f"  And {verified.found - len(verified.findings)} more.")
    typer.echo(f"{looked_at} verified; {f'{len(broken)} chains are not whole' if broken else 'all are whole'}.")


def _rows(verified: Verified) -> list[dict[str, Any]]:
    return [
        {
            "org_id": str(verified.org_id),
            "kind": finding.kind.value,
            "first": finding.first,
            "last": finding.last,
            "entry_id": str(finding.entry_id) if finding.entry_id else None,
            "words": finding.words,
        }
        for finding in verified.findings
    ]


def _noted(file: Path) -> Sequence[Head]:
    from domain.audit.heads import read_heads  # noqa: PLC0415

    try:
        return read_heads(file.read_text(encoding="utf-8"))
    except UnicodeDecodeError:
        raise FailureError(f"{file} is not a text.") from None


def _progress() -> Any:  # noqa: ANN401 - a callback, or None where nobody watches
    if not sys.stderr.isatty():
        return None

    def tell(org_id: UUID, done: int, total: int) -> None:
        typer.echo(f"\r{org_id}: {done} of {total}", nl=done >= total, err=True)

    return tell
