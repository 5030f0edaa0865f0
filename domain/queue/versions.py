"""What changes when queues, workers, schedules or dead letters do: so that open pages need not be drawn to find out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import psycopg

# Small tables, and of the dead letters as many as any list shows: what dies is signalled besides.
_VERSIONS: Final = """
    SELECT (SELECT md5(string_agg(concat_ws('|', name, paused_at, paused_because, draining_at), ',' ORDER BY name))
            FROM queues)
           || (SELECT count(*) FROM queue_weights) || (SELECT count(*) FROM queue_limits),
           (SELECT concat_ws('|', count(*), count(stopped_at), max(started_at), max(stopped_at)) FROM workers),
           (SELECT concat_ws('|', count(*), max(asked_at)) FROM schedules),
           (SELECT count(*) FROM (SELECT FROM jobs WHERE state = 'dead' LIMIT 1000) dead)
           || '|' || (SELECT md5(coalesce(string_agg(o::text, ',' ORDER BY o.id), '')) FROM
                      (SELECT * FROM dead_operations ORDER BY id DESC LIMIT 5) o)
"""
_TOPICS: Final = ("queues", "workers", "schedules", "dead_letters")


def queue_versions(connection: psycopg.Connection[Any]) -> Mapping[str, str]:
    """Return a text for each topic that differs once there is news of it. As the platform's role."""
    row = connection.execute(_VERSIONS, prepare=True).fetchone()
    return dict(zip(_TOPICS, row or (), strict=True))
