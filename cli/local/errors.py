"""What can stand in the way of starting the local servers, always with what to do about it."""

from __future__ import annotations

from domain.kernel.errors import GatehouseError


class LocalServerError(GatehouseError):
    """The local servers can't be started."""

    def __init__(self, problem: str, remedy: str) -> None:
        """Keep what is wrong and what to do apart, so that a terminal can set them in two lines."""
        super().__init__(f"{problem}\n{remedy}")
        self.problem = problem
        self.remedy = remedy


class PortInUseError(LocalServerError):
    """Another program listens on the port."""


class NotReachableError(LocalServerError):
    """The unprivileged account that the servers run as can't enter a directory."""


class NotWritableError(LocalServerError):
    """The data directory can't be written."""


class OtherVersionError(LocalServerError):
    """The data directory belongs to another major version of PostgreSQL."""


class AlreadyRunningError(LocalServerError):
    """Another supervisor already runs on this data directory."""


class NotInstalledError(LocalServerError):
    """The wheels with the servers are not installed."""


class ServerFailedError(LocalServerError):
    """A server stopped while it was starting, or did not answer in time."""
