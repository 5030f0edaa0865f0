"""Where a run happens: servers of its own, proxies in front of them, the provider's double, and the program struck."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from cli.local.ports import free_port, is_free
from tests.chaos import reaper
from tests.chaos.clock import Clock
from tests.chaos.faults import Site
from tests.chaos.gatehouse import Addresses, Gatehouse
from tests.chaos.house import ROOT, Program, group_kill
from tests.chaos.ledger import Ledger
from tests.chaos.proxy import Network, Proxy
from tests.chaos.servers import PostgresServer, RedisServer, through
from tests.chaos.tenants import seed_tenants
from tests.support.databases import DatabaseUrls
from tests.support.eventually import eventually

_SPOOL_BYTES: Final = 1 << 20

Build = Callable[[Path, Addresses, Clock], Program]


@dataclass
class Stage:
    """What a run happens on. `public` is where webhooks go, `provider` where the double listens, free of faults."""

    directory: Path
    site: Site
    urls: DatabaseUrls
    public: str
    provider: str
    ledger: Ledger
    notes: list[str] = field(default_factory=list)


@contextmanager
def scratch(prefix: str) -> Iterator[Path]:
    """Give a directory with passage for the account that servers run as.

    At the end, even by kill -9 of this process, what was started in it is gone and it is removed.
    """
    directory = Path(tempfile.mkdtemp(prefix=prefix))
    directory.chmod(0o711)
    watching = reaper.begin(directory)
    try:
        yield directory
    finally:
        watching.communicate()


@contextmanager
def raised(seed: int, directory: Path, build: Build = Gatehouse) -> Iterator[Stage]:
    """Raise everything; end all of it whatever happens."""
    notes: list[str] = []
    with ExitStack() as stack:
        network = Network()
        stack.callback(network.close)
        postgres, redis = PostgresServer(directory), RedisServer(directory)
        stack.callback(postgres.end, signal.SIGQUIT)
        stack.callback(redis.end, signal.SIGKILL)
        postgres.start()
        redis.start()
        urls = postgres.prepare()
        seed_tenants(urls.platform)
        double_port = stack.enter_context(_double(seed, directory))
        clock = Clock(directory)
        to_postgres, to_redis = Proxy(network, lambda: postgres.port), Proxy(network, lambda: redis.port)
        to_provider = Proxy(network, lambda: double_port)
        front = Proxy(network, lambda: program.api_port)
        spool = directory / "data" / "spool"
        stack.enter_context(_small_disk(spool, notes))
        ways = Addresses(
            replace(urls, app=through(urls.app, to_postgres.port), platform=through(urls.platform, to_postgres.port)),
            through(redis.url, to_redis.port),
            _http(to_provider.port),
            _http(front.port),
        )
        program = build(directory, ways, clock)
        stack.callback(program.house.stop)
        program.house.start()
        ledger = Ledger(directory / "ledger.jsonl")
        stack.callback(ledger.close)
        site = Site(program, postgres, redis, to_postgres, to_redis, to_provider, clock, spool)
        yield Stage(directory, site, urls, ways.public, _http(double_port), ledger, notes)


@contextmanager
def _double(seed: int, directory: Path) -> Iterator[int]:
    """Run the provider's double; give its port."""
    port = free_port()
    with (directory / "twilio.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.chaos.twilio", str(port), str(seed), str(directory / "ledger.jsonl")],
            cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
    reaper.note(process.pid)
    try:
        eventually(lambda: not is_free(port) or process.poll() is not None, within=30, what="The double")
        yield port
    finally:
        process.kill()
        process.wait()
        group_kill(process.pid)


@contextmanager
def _small_disk(spool: Path, notes: list[str]) -> Iterator[None]:
    """Give the api's spool a small file system of its own, so that it can be full."""
    spool.mkdir(parents=True, exist_ok=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={_SPOOL_BYTES},mode=0700", "tmpfs", str(spool)]
    mounted = bool(shutil.which("mount")) and not subprocess.run(mount, check=False, capture_output=True).returncode
    if not mounted:
        notes.append("No file system could be mounted here (that needs root), so the disk was never full.")
    try:
        yield
    finally:
        if mounted:
            subprocess.run(["umount", "--lazy", str(spool)], check=False, capture_output=True)  # noqa: S607


def _http(port: int) -> str:
    return f"http://127.0.0.1:{port}"
