"""How options say what of a client is to be another: left out, it stays; `none` takes it away."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import typer

NONE = "none"

ClientId = Annotated[UUID, typer.Argument(metavar="CLIENT", help="The client's id, which `clients list` shows.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Timezone = Annotated[str | None, typer.Option(help="Its time zone, as in America/New_York.")]
Number = Annotated[str | None, typer.Option(help="Its number, with the country code; none takes it away.")]
Service = Annotated[str | None, typer.Option(help="Its Messaging Service (MG…); none takes it away.")]
OwnerName = Annotated[str | None, typer.Option(help="The owner's name; none takes it away.")]
OwnerPhone = Annotated[str | None, typer.Option(help="The owner's mobile number; none takes it away.")]
OwnerEmail = Annotated[str | None, typer.Option(help="The owner's e-mail address; none takes it away.")]


def given(**options: object) -> dict[str, object]:
    """Return the options that were given, with None for those that take something away."""
    return {name: None if value == NONE else value for name, value in options.items() if value is not None}
