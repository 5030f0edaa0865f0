"""Wait for something that another process or thread brings about."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
_LOOK_EVERY = 0.02


def eventually(look: Callable[[], T], *, within: float = 10.0, what: str = "") -> T:
    """Return what `look` returns once it is true; fail after `within` seconds, showing what it returned last."""
    end = time.monotonic() + within
    pause = threading.Event()
    while not (seen := look()):
        if time.monotonic() > end:
            raise AssertionError(f"{what or 'It'} did not happen within {within:g} s; last seen: {seen!r}.")
        pause.wait(_LOOK_EVERY)
    return seen
