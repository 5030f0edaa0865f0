"""Notice that role files changed, and read them again once they rest. What is wrong leaves the last good in force."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domain.access.roles.book import Roles, read
from domain.access.roles.errors import RoleFilesError

if TYPE_CHECKING:
    from domain.access.roles.files import Fingerprint, RoleFiles


class FileWatch:
    """What the files said last when they were right. Raises RoleFilesError when they are wrong to begin with."""

    def __init__(self, files: RoleFiles) -> None:
        self._files = files
        # Taken before they are read: what changes meanwhile is seen by the next look.
        self._read: Fingerprint | None = files.fingerprint()
        self._before = self._read
        self.current: Roles = read(files)
        self.mistakes: tuple[str, ...] = ()
        """What is wrong with the files now."""

    def look(self) -> bool:
        """Read the files if they changed and did not change further since the last look; return whether it was taken.

        A file that is just being written is not read by halves that way.
        """
        try:
            now = self._files.fingerprint()
        except RoleFilesError as error:
            self._read, self.mistakes = None, error.mistakes
            return False
        resting, self._before = now == self._before, now
        if now == self._read or not resting:
            return False
        self._read = now
        try:
            self.current = read(self._files)
        except RoleFilesError as error:
            self.mistakes = error.mistakes
            return False
        self.mistakes = ()
        return True
