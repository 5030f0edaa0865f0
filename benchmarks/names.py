"""Names that several processes of a run agree on."""

from __future__ import annotations

from typing import Final

PICKED: Final = "benchmark:picked"
"""A Redis list that gets the time of each pick-up (`time.monotonic_ns`, one clock for all processes)."""
