"""Write the flags that this release reads into the table, as part of every migration.

What operators changed stays. A default that nobody changed follows the code; a flag whose type is another now begins
anew. What no code reads any more stays in the table, since an older release may still run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import psycopg
from psycopg.types.json import Jsonb

from domain.flags.definitions import DEFINITIONS
from domain.kernel.database import psycopg_url

if TYPE_CHECKING:
    from domain.flags.definitions import Definition

RELEASE: Final = "release"
"""Who made the versions that come with the code."""
_HELD: Final = "SELECT kind, value_type, about, default_value, version FROM flags WHERE key = %s FOR UPDATE"
_INSERT: Final = """
    INSERT INTO flags (key, kind, value_type, about, default_value) VALUES (%s, %s, %s, %s, %s)
    ON CONFLICT (key) DO NOTHING
"""
_UPDATE: Final = """
    UPDATE flags SET kind = %s, value_type = %s, about = %s, default_value = %s, version = %s, archived_at = NULL,
        updated_at = now()
    WHERE key = %s
"""
_REVISE: Final = """
    INSERT INTO flag_revisions (key, version, document, actor, reason)
    SELECT key, version, jsonb_build_object('default', default_value, 'about', about, 'archived', false, 'targets',
        coalesce((SELECT jsonb_agg(jsonb_strip_nulls(jsonb_build_object('value', t.value, 'tenant_id', t.tenant_id,
                'client_id', t.client_id, 'percentage', t.percentage)) ORDER BY t.position)
            FROM flag_targets t WHERE t.key = flags.key), '[]')), %s, %s
    FROM flags WHERE key = %s
    ON CONFLICT DO NOTHING
"""
_TOUCHED: Final = "SELECT EXISTS (SELECT FROM flag_revisions WHERE key = %s AND actor <> %s)"


def synchronise(owner_url: str) -> None:
    """Bring the table to the definitions, in one transaction. Safe to run again and at the same time."""
    with psycopg.connect(psycopg_url(owner_url), application_name="gatehouse migrate") as connection:
        for definition in DEFINITIONS.values():
            _synchronise(connection, definition)


def _synchronise(connection: psycopg.Connection[Any], definition: Definition) -> None:
    wanted = (definition.kind, definition.value_type, definition.about)
    added = connection.execute(_INSERT, [definition.key, *wanted, Jsonb(definition.default)])
    if added.rowcount:
        connection.execute(_REVISE, [RELEASE, "First release that reads it.", definition.key])
        return
    row = connection.execute(_HELD, [definition.key]).fetchone()
    assert row is not None  # noqa: S101 - it was there a moment ago, and nothing deletes flags
    *found, default, version = row
    anew = definition.value_type != row[1]
    follows = anew or not _touched(connection, definition.key)
    new_default = definition.default if follows else default
    if anew:
        connection.execute("DELETE FROM flag_targets WHERE key = %s", [definition.key])
    if found == list(wanted) and new_default == default:
        return
    changed = anew or new_default != default
    connection.execute(_UPDATE, [*wanted, Jsonb(new_default), version + 1 if changed else version, definition.key])
    if changed:
        connection.execute(_REVISE, [RELEASE, "The release has another default.", definition.key])


def _touched(connection: psycopg.Connection[Any], key: str) -> bool:
    row = connection.execute(_TOUCHED, [key, RELEASE]).fetchone()
    return bool(row and row[0])
