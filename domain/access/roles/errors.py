"""What can be wrong with roles."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domain.kernel.errors import GatehouseError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Sequence


class RoleFilesError(GatehouseError):
    """Role files are wrong. `mistakes` has a sentence for each: the file, the place, and what to write."""

    def __init__(self, mistakes: Sequence[str]) -> None:
        self.mistakes = tuple(mistakes)
        super().__init__("\n".join(["The role files are not usable:", *(f"  - {mistake}" for mistake in mistakes)]))


class UnknownRoleError(NotFoundError):
    """There is no such role."""
