"""The wall clock of the house's processes, which can be set while they run: see `shifted_clock.c`."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final

_SOURCE: Final = Path(__file__).with_name("shifted_clock.c")


class Clock:
    """Shifts what processes under `environment` take for the time of day. Their monotonic clock goes on as it is."""

    def __init__(self, directory: Path) -> None:
        self._file = directory / "clock"
        self._file.write_bytes(bytes(8))
        self._library = directory / "shifted_clock.so"
        compiler = shutil.which("cc") or shutil.which("gcc")
        self.can_step = compiler is not None
        if compiler is not None:
            command = [compiler, "-shared", "-fPIC", "-O2", "-o", str(self._library), str(_SOURCE), "-ldl"]
            subprocess.run(command, check=True, capture_output=True)

    @property
    def environment(self) -> Mapping[str, str]:
        """What a process has to be started with."""
        if not self.can_step:
            return {}
        return {"LD_PRELOAD": str(self._library), "GATEHOUSE_TEST_CLOCK": str(self._file)}

    def step(self, seconds: int) -> None:
        """Set the clocks to this many seconds beside the truth, at once."""
        with self._file.open("r+b", buffering=0) as file:
            file.write(seconds.to_bytes(8, "little", signed=True))
