"""What commands print: tables for people, JSON for programs."""

from __future__ import annotations

import json
import sys
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import typer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_PIPE_WIDTH: Final = 240
"""Columns of a table that goes to a file or another program, so that it is not folded at 80."""


def show_table(rows: Sequence[Mapping[str, object]], columns: Sequence[str], *, empty: str) -> None:
    """Print one line a row, or `empty` when there is none. A column is a key of the rows."""
    if not rows:
        typer.echo(empty)
        return
    from rich.console import Console  # noqa: PLC0415 - 50 ms that --help does not pay
    from rich.markup import escape  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415

    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column.replace("_", " "), overflow="fold")
    for row in rows:
        table.add_row(*(escape(in_cell(row.get(column))) for column in columns))
    Console(width=None if sys.stdout.isatty() else _PIPE_WIDTH).print(table)


def show_json(value: object) -> None:
    """Print a value as indented JSON."""
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False, default=in_cell))


def in_cell(value: Any) -> str:  # noqa: ANN401 - whatever a row holds
    """Return a value as a short text; times in UTC, to the second."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="seconds").replace("+00:00", "Z")
    return str(value)
