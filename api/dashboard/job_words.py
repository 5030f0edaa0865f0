"""What states of jobs and outcomes of runs are called on pages, and their tones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from api.dashboard.tables import State, Tone
from domain.maintenance.standing import Standing

STATES: Final[Mapping[str, tuple[str, Tone]]] = {
    "scheduled": ("scheduled", "waiting"),
    "available": ("waits", "waiting"),
    "executing": ("runs", "waiting"),
    "retryable": ("tries again", "limited"),
    "completed": ("done", "good"),
    "cancelled": ("cancelled", "plain"),
    "dead": ("dead", "bad"),
}
OUTCOMES: Final[Mapping[str | None, tuple[str, Tone]]] = {
    None: ("runs", "waiting"),
    "completed": ("done", "good"),
    "retry": ("failed, tries again", "limited"),
    "snoozed": ("put off", "waiting"),
    "cancelled": ("cancelled", "plain"),
    "dead": ("failed for good", "bad"),
    "lost": ("its worker was gone", "limited"),
    "handed_back": ("handed back at a stop", "plain"),
}
STANDINGS: Final[Mapping[Standing, tuple[str, Tone]]] = {
    "running": ("runs now", "waiting"),
    "waiting": ("waits for a worker", "waiting"),
    "retrying": ("failed, tries again", "limited"),
    "fine": ("done", "good"),
    "failed": ("failed", "bad"),
    "unfinished": ("never said how it ended", "limited"),
    "late": ("late", "bad"),
    "never": ("not run yet", "plain"),
}


def state_cell(state: str) -> State:
    """Return a job's state as a cell."""
    words, tone = STATES[state]
    return State(tone, words)
