"""The column that `migrations.backfill` adds, and the two queries by which it goes on where it was."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, LiteralString

from psycopg.sql import SQL, Composed, Identifier

# `key` of the page's last row, how many of its rows were empty, and how many of these nobody held.
PAGE: Final = """
    WITH page AS MATERIALIZED (
        SELECT {key} AS key, {column} IS NULL AS empty FROM {table} <where> ORDER BY {key} LIMIT %(batch)s
    ), free AS MATERIALIZED (
        SELECT {key} AS key FROM {table}
        WHERE {key} IN (SELECT key FROM page WHERE empty) AND {column} IS NULL
        ORDER BY {key} FOR NO KEY UPDATE SKIP LOCKED
    ), filled AS (
        UPDATE {table} SET {column} = coalesce({value}, {default})::{type}
        WHERE {key} IN (SELECT key FROM free) RETURNING 1
    )
    SELECT (SELECT key FROM page ORDER BY key DESC LIMIT 1), (SELECT count(*) FROM page WHERE empty),
           (SELECT count(*) FROM filled)
"""
CATALOGUE: Final = """
    SELECT 'column' FROM pg_attribute
    WHERE attrelid = %(table)s::regclass AND attname = %(column)s AND NOT attisdropped
    UNION ALL
    SELECT 'not_null' FROM pg_attribute
    WHERE attrelid = %(table)s::regclass AND attname = %(column)s AND NOT attisdropped AND attnotnull
    UNION ALL
    SELECT CASE WHEN contype = 'c' THEN 'check' WHEN convalidated THEN 'foreign_key' ELSE 'foreign_key_unchecked' END
    FROM pg_constraint WHERE conrelid = %(table)s::regclass AND conname IN (%(check)s, %(foreign_key)s)
    UNION ALL
    SELECT 'index' FROM pg_index
    WHERE indrelid = %(table)s::regclass AND indexrelid = to_regclass(quote_ident(%(index)s)) AND indisvalid
"""


@dataclass(frozen=True, slots=True)
class NewColumn:
    """What is added. All but `table` and `name` is SQL of the migration's own, never anything from outside.

    `default`: what new rows get from a release that does not know the column. `value`: what each existing row gets, an
    expression over its columns without a percent sign; where that is NULL, and without it, the default. `references`:
    such as "organizations (id)". `key`: the primary key, one column.
    """

    table: str
    name: str
    type: LiteralString
    default: LiteralString
    value: LiteralString = "NULL"
    references: LiteralString | None = None
    key: str = "id"
    indexed: bool = True

    def sql(self, statement: LiteralString) -> Composed:
        """Return a statement with this column's names and expressions in it."""
        return SQL(statement).format(
            **{what: Identifier(name) for what, name in self.names.items()},
            type=SQL(self.type),
            default=SQL(self.default),
            value=SQL(self.value),
            references=SQL(self.references or ""),
        )

    @property
    def tables(self) -> list[str]:
        """The tables that are read: this one, and the one that it refers to."""
        return [self.table] if self.references is None else [self.table, self.references.partition("(")[0].strip()]

    @property
    def names(self) -> dict[str, str]:
        """The names of everything that is touched."""
        return {
            "table": self.table,
            "column": self.name,
            "key": self.key,
            "check": f"{self.table}_{self.name}_filled",
            "foreign_key": f"{self.table}_{self.name}_fkey",
            "index": f"{self.table}_{self.name}",
        }
