"""What the supervisor runs in place of each program: writes down who it is, drops rights, and becomes the program.

Run as `python -m cli.local.launch PID_FILE UID:GID|- COMMAND…`. The process stays the supervisor's direct child.
With an account given, the program also starts with a bare environment: the servers need none of our secrets.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from cli.local import processes

KEEP = "-"
_BARE = ("PATH", "LANG", "LC_ALL", "TZ", "TMPDIR")


def main(arguments: list[str]) -> None:
    """Become the program. Does not return."""
    pid_file, account, *command = arguments
    processes.record(Path(pid_file))
    environment = dict(os.environ)
    if account != KEEP:
        environment = {name: value for name, value in environment.items() if name in _BARE}
        uid, gid = map(int, account.split(":"))
        if os.geteuid() == 0:
            os.setgroups([])
            os.setgid(gid)
            os.setuid(uid)
    os.execve(command[0], command, environment)  # noqa: S606 - no shell is wanted


if __name__ == "__main__":
    main(sys.argv[1:])
