"""Stock Procrastinate on PostgreSQL: the durable baseline of the queue."""

from __future__ import annotations

import os

from procrastinate import App, PsycopgConnector

app = App(connector=PsycopgConnector(conninfo=os.environ["BASELINE_DATABASE_URL"]))


@app.task(name="noop")  # type: ignore[untyped-decorator]  # ships no types that we follow
def noop(number: int) -> None:
    """Do nothing."""
    del number
