"""Every source that a role's file may name for a part of the overview."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

from api.dashboard import job_sources, message_sources, system_sources

if TYPE_CHECKING:
    from api.dashboard.asked import Asked
    from api.dashboard.parts import Part

Source = Callable[["Asked"], "Part"]

SOURCES: Final[Mapping[str, Source]] = {
    "circuits": system_sources.circuits,
    "clients": message_sources.clients,
    "conversations": message_sources.conversations,
    "dead_letters": job_sources.dead_letters,
    "deliveries": message_sources.deliveries,
    "failures": job_sources.failures,
    "gate_blocks": message_sources.gate_blocks,
    "jobs_by_kind": job_sources.by_kind,
    "leads": message_sources.leads,
    "notices": message_sources.notices,
    "queue_depth": job_sources.queue_depth,
    "schedules": system_sources.schedules,
    "system": system_sources.system,
    "throughput": job_sources.throughput,
    "waits": job_sources.waits,
    "workers": system_sources.workers,
}
"""By name. A name that is not here is drawn as a part that says so, since a role's file can be changed at any time."""
