"""Add a column that must not be empty, such as `org_id`, to a table that is written to all the time.

Every step is looked up in the catalogue first, so that it may be killed anywhere and run again. A step that needs a
lock which writers would wait for gives up after `LOCK_TIMEOUT` and tries again later, and rows are filled a few at a
time without waiting for a writer: so a writer waits for a moment at most. How to use it: docs/migrations.md.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, LiteralString, cast

import psycopg
from psycopg.errors import LockNotAvailable
from psycopg.sql import SQL, Composed, Identifier

from migrations.new_column import CATALOGUE, PAGE, NewColumn

LOCK_TIMEOUT: Final = "100ms"
"""What waits for a strong lock makes every writer behind it wait as well, at most for that long."""
STEP_PATIENCE: Final = 1_800.0
"""Seconds for which a step tries to get its lock, before it fails and leaves the rest to another run."""
BATCH: Final = 1_000
PAUSE: Final = 0.02
"""Seconds between two batches, so that vacuum, replicas and writers keep up."""
_LONGEST_WAIT: Final = 5.0

Progress = Callable[[str, int], None]
"""Told the step, and how many rows were filled until now."""


def connection_of(op: Any) -> psycopg.Connection[Any]:  # noqa: ANN401 - the module `alembic.op`
    """Return the connection under Alembic's `op`, inside of its `autocommit_block()`."""
    return cast("psycopg.Connection[Any]", op.get_bind().connection.driver_connection)


def backfill(
    connection: psycopg.Connection[Any],
    column: NewColumn,
    *,
    batch: int = BATCH,
    pause: float = PAUSE,
    patience: float = STEP_PATIENCE,
    progress: Progress | None = None,
) -> int:
    """Do what is not done yet, as the table's owner; return how many rows this run filled.

    The connection is in autocommit. Raises psycopg.errors.LockNotAvailable when a lock was not to be had for
    `patience` seconds: then run it again.
    """
    if not connection.autocommit:
        raise ValueError("The connection has to be in autocommit: each step is a transaction of its own.")
    work = _Work(connection, column, batch, pause, patience, progress or (lambda _step, _filled: None))
    if work.is_done():
        return 0
    work.add_column()
    work.see_all_rows()
    work.fill()
    work.refuse_empty()
    work.fill()
    work.make_not_null()
    if column.indexed:
        work.build_index()
    if column.references is not None:
        work.add_foreign_key()
    work.see_as_before()
    return work.filled


@dataclass(slots=True)
class _Work:
    connection: psycopg.Connection[Any]
    column: NewColumn
    batch: int
    pause: float
    patience: float
    progress: Progress
    filled: int = 0

    def is_done(self) -> bool:
        state = self._catalogue()
        wanted = {"not_null"} | ({"index"} if self.column.indexed else set())
        wanted |= {"foreign_key"} if self.column.references is not None else set()
        return wanted <= state and not self._shown()

    def add_column(self) -> None:
        """Add it empty, and let every row that is added from now on have the default."""
        if "column" not in self._catalogue():
            self._briefly(
                "add column",
                "ALTER TABLE {table} ADD COLUMN {column} {type}",
                "ALTER TABLE {table} ALTER COLUMN {column} SET DEFAULT {default}",
            )

    def see_all_rows(self) -> None:
        """Let the owner see tables under row-level security while this goes on: to validate is to read both."""
        for table in self._hidden():
            step = SQL("CREATE POLICY backfill ON {} TO CURRENT_USER USING (true) WITH CHECK (true)")
            self._briefly("see rows", step.format(Identifier(table)))

    def see_as_before(self) -> None:
        """Take that back."""
        for table in self._shown():
            self._briefly("see as before", SQL("DROP POLICY backfill ON {}").format(Identifier(table)))

    def _hidden(self) -> list[str]:
        active = self.connection.execute(
            "SELECT name FROM unnest(%s::text[]) name WHERE row_security_active(name::regclass)", [self.column.tables]
        )
        return [name for (name,) in active.fetchall() if name not in self._shown()]

    def _shown(self) -> list[str]:
        shown = self.connection.execute(
            "SELECT name FROM unnest(%s::text[]) name JOIN pg_policy ON polrelid = name::regclass"
            " WHERE polname = 'backfill'",
            [self.column.tables],
        )
        return [name for (name,) in shown.fetchall()]

    def fill(self) -> None:
        """Fill what is empty in the order of the key; what a writer holds is left to the next round."""
        if "not_null" in self._catalogue():
            return
        wait, (skipped, begin) = self.pause, self._fill_from(None)
        while skipped:
            time.sleep(wait)
            wait = min(wait * 2, _LONGEST_WAIT)
            skipped, begin = self._fill_from(begin)

    def _fill_from(self, after: object) -> tuple[bool, object]:
        """Go on to the table's end; return whether rows were skipped, and the key after which the first one is."""
        skipped, begin = False, after
        while True:
            where = "WHERE {key} > %(after)s" if after is not None else ""
            page = PAGE.replace("<where>", where)
            with self.connection.transaction():
                parameters = {"after": after, "batch": self.batch}
                row = self.connection.execute(self.column.sql(page), parameters).fetchone()
            if row is None or row[0] is None:
                return skipped, begin
            empty, filled = int(row[1]), int(row[2])
            if filled < empty and not skipped:
                skipped, begin = True, after
            after = row[0]
            self.filled += filled
            if filled:
                self.progress("fill", self.filled)
                time.sleep(self.pause)

    def refuse_empty(self) -> None:
        """Refuse empty ones from now on: a writer that sets NULL is told so, and the last ones can be filled."""
        if not {"check", "not_null"} & self._catalogue():
            self._briefly(
                "refuse empty", "ALTER TABLE {table} ADD CONSTRAINT {check} CHECK ({column} IS NOT NULL) NOT VALID"
            )

    def make_not_null(self) -> None:
        """Look through the table under a weak lock; NOT NULL itself then needs no look."""
        if "not_null" not in self._catalogue():
            self._briefly("validate", "ALTER TABLE {table} VALIDATE CONSTRAINT {check}")
            self._briefly("not null", "ALTER TABLE {table} ALTER COLUMN {column} SET NOT NULL")
        if "check" in self._catalogue():
            self._briefly("drop check", "ALTER TABLE {table} DROP CONSTRAINT {check}")

    def build_index(self) -> None:
        """Build it beside the writers. A build that was cut off left an invalid one."""
        if "index" not in self._catalogue():
            self.progress("index", self.filled)
            self.connection.execute(self.column.sql("DROP INDEX CONCURRENTLY IF EXISTS {index}"))
            self.connection.execute(self.column.sql("CREATE INDEX CONCURRENTLY {index} ON {table} ({column}, {key})"))

    def add_foreign_key(self) -> None:
        """Check new rows first, then those that are there, under a weak lock."""
        if not {"foreign_key", "foreign_key_unchecked"} & self._catalogue():
            self._briefly(
                "foreign key",
                "ALTER TABLE {table} ADD CONSTRAINT {foreign_key} FOREIGN KEY ({column})"
                " REFERENCES {references} NOT VALID",
            )
        if "foreign_key" not in self._catalogue():
            self._briefly("validate foreign key", "ALTER TABLE {table} VALIDATE CONSTRAINT {foreign_key}")

    def _briefly(self, step: str, *statements: LiteralString | Composed) -> None:
        """Run statements in one transaction that gives its turn up whenever a lock is not to be had at once."""
        give_up = time.monotonic() + self.patience
        self.progress(step, self.filled)
        while True:
            try:
                with self.connection.transaction():
                    self.connection.execute(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'")
                    for statement in statements:
                        ready = statement if isinstance(statement, Composed) else self.column.sql(statement)
                        self.connection.execute(ready)
            except LockNotAvailable:
                if time.monotonic() > give_up:
                    raise
                time.sleep(random.uniform(0.2, 1.0))  # noqa: S311 - so that it meets no rhythm of the writers
            else:
                return

    def _catalogue(self) -> set[str]:
        return {row[0] for row in self.connection.execute(CATALOGUE, self.column.names)}
