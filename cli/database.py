"""The schema and what a new database begins with: `gatehouse migrate`, `gatehouse seed`."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from cli.permitted import local


class Seed(StrEnum):
    """What a database can be filled with."""

    DEMO = "demo"
    TEST = "test"


@local("changes the schema, as its owner")
def migrate() -> None:
    """Bring the database to this release's schema.

    Works as the owner of the schema: GATEHOUSE_OWNER_DATABASE_URL is the one setting that it needs.
    """
    from config.settings import load_postgres_url  # noqa: PLC0415 - as below: --help needs none of it
    from domain.kernel.schema import SCHEMA_REVISION  # noqa: PLC0415
    from migrations.apply import upgrade  # noqa: PLC0415

    upgrade(load_postgres_url("owner"))
    typer.echo(f"The schema is at {SCHEMA_REVISION}.")


@local("fills an empty installation in")
def seed(name: Annotated[Seed, typer.Argument(help="What to fill in.")] = Seed.DEMO) -> None:
    """Fill in a demo or test tenant.

    What is there already stays. GATEHOUSE_PLATFORM_DATABASE_URL is the one setting that it needs.
    """
    from config.settings import load_postgres_url  # noqa: PLC0415
    from migrations.seeds import apply  # noqa: PLC0415

    apply(load_postgres_url("platform"), name.value)
    typer.echo(f"The {name.value} tenant is there.")
