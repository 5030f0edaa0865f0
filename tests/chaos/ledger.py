"""The double's ledger, read while it grows: what it took, for whom, when."""

from __future__ import annotations

import json
import threading
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Taken:
    """A text that the provider took, and so sent. `at`: seconds since the epoch."""

    at: float
    to: str
    body: str


class Ledger:
    """Follows the file from a thread."""

    def __init__(self, path: Path) -> None:
        self.taken: dict[str, list[Taken]] = defaultdict(list)
        self.turned_away = 0
        self.refused = 0
        self._path = path
        self._offset = 0
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="ledger", daemon=True)
        self._thread.start()

    def read(self) -> None:
        """Read what was written since."""
        with self._lock:
            if not self._path.exists():
                return
            with self._path.open() as file:
                file.seek(self._offset)
                while (line := file.readline()).endswith("\n"):
                    self._offset = file.tell()
                    self._note(json.loads(line))

    def close(self) -> None:
        """Read the rest and stop."""
        self._stopping.set()
        self._thread.join()
        self.read()

    def wait_for(self, enough: Callable[[], bool], seconds: float) -> bool:
        """Wait until the ledger shows it; False when time is up."""
        pause = threading.Event()
        for _ in range(int(seconds / 0.2) + 1):
            self.read()
            if enough():
                return True
            pause.wait(0.2)
        return False

    def _note(self, line: dict[str, str | float]) -> None:
        if line["what"] == "taken":
            one = Taken(float(line["at"]), str(line["to"]), str(line["body"]))
            self.taken[one.to].append(one)
        elif line["what"] == "turned away":
            self.turned_away += 1
        else:
            self.refused += 1

    def _follow(self) -> None:
        while not self._stopping.wait(0.2):
            self.read()
