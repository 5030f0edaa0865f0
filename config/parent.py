"""Keep a child from living on when its parent was killed: nobody would watch it, and it would hold its ports."""

from __future__ import annotations

import os
import signal
import threading
from typing import Final

LOOK_EVERY: Final = 1.0
_watching = threading.Event()


def exit_with_parent(grace: float) -> None:
    """Send this process SIGTERM once its parent is gone, and end it the hard way `grace` seconds later.

    The hard way is needed: a process can wait without end for a parent that was killed while it started.
    """
    if _watching.is_set():
        return
    _watching.set()
    threading.Thread(target=_watch, args=(os.getppid(), grace), name="parent-watch", daemon=True).start()


def _watch(parent: int, grace: float) -> None:
    never = threading.Event()
    while os.getppid() == parent:
        never.wait(LOOK_EVERY)
    os.kill(os.getpid(), signal.SIGTERM)
    never.wait(grace)
    os._exit(1)
