"""Which account the servers run as: the caller's own, or an unprivileged one when the caller is root.

PostgreSQL refuses to run as root, for good reason: it executes code that is stored in its data.
"""

from __future__ import annotations

import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from cli.local.errors import NotReachableError

UNPRIVILEGED = "nobody"


@dataclass(frozen=True)
class Account:
    """A user of this machine. `switch` tells whether a server's process has to change to it."""

    name: str
    uid: int
    gid: int
    switch: bool

    def own(self, path: Path) -> None:
        """Hand `path` to the account (not recursive). Does nothing when the caller is that account."""
        if self.switch:
            os.chown(path, self.uid, self.gid)

    def can_enter(self, directory: Path) -> bool:
        """Tell whether the account may pass through `directory` and everything above it, by the permission bits."""
        return not self.switch or self.barrier(directory) is None

    def barrier(self, path: Path) -> Path | None:
        """Return the topmost directory on the way to `path` that the account can't enter, or None."""
        resolved = path.resolve()
        for directory in (*reversed(resolved.parents), resolved):
            if directory.is_dir() and not self._may_enter(directory.stat()):
                return directory
        return None

    def _may_enter(self, status: os.stat_result) -> bool:
        if status.st_uid == self.uid:
            return bool(status.st_mode & stat.S_IXUSR)
        if status.st_gid == self.gid:
            return bool(status.st_mode & stat.S_IXGRP)
        return bool(status.st_mode & stat.S_IXOTH)


class RunAs(TypedDict, total=False):
    """The arguments of `subprocess` that choose an account."""

    user: int
    group: int
    extra_groups: list[int]


def server_account(data: Path | None = None) -> Account:
    """Return the account for servers whose files lie in `data` (which need not exist).

    As root that is the owner of `data` if it is not root, else the user who called sudo, else `nobody`.
    """
    uid = os.geteuid()
    if uid != 0:
        return Account(name=_name(uid), uid=uid, gid=os.getegid(), switch=False)
    for candidate in (_owner(data), int(os.environ.get("SUDO_UID") or 0)):
        if candidate:
            entry = pwd.getpwuid(candidate)
            return Account(name=entry.pw_name, uid=entry.pw_uid, gid=entry.pw_gid, switch=True)
    entry = pwd.getpwnam(UNPRIVILEGED)
    return Account(name=entry.pw_name, uid=entry.pw_uid, gid=entry.pw_gid, switch=True)


def require_reachable(account: Account, directory: Path, *, setting: str) -> None:
    """Raise `NotReachableError` when `account` can't enter `directory`; `setting` names the variable that moves it."""
    barrier = account.barrier(directory) if account.switch else None
    if barrier is not None:
        raise NotReachableError(
            f"You are root, so PostgreSQL and Valkey run as the user '{account.name}', who can't enter {barrier}.",
            f"Run as an ordinary user, or set {setting} to a directory elsewhere (for example /var/lib/gatehouse), "
            f"or allow passage with: chmod o+x {barrier}",
        )


def run_as(account: Account) -> RunAs:
    """Return the arguments that make `subprocess` run a program as `account`."""
    return {"user": account.uid, "group": account.gid, "extra_groups": []} if account.switch else {}


def _owner(path: Path | None) -> int:
    return path.stat().st_uid if path is not None and path.exists() else 0


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
