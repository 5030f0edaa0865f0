"""One chaos run: raise everything, strike round by round while texts come in, let it settle, take account."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import psycopg

from cli.local.ports import free_port, is_free
from tests.chaos.account import Account, Reasons, Span, reasons_of, settle
from tests.chaos.clock import Clock
from tests.chaos.customers import UNHURRIED, customer, index_of
from tests.chaos.faults import Faults, Site, Struck
from tests.chaos.gatehouse import Addresses, Gatehouse, seed_tenants
from tests.chaos.house import ROOT, group_kill
from tests.chaos.ledger import Ledger
from tests.chaos.proxy import Network, Proxy
from tests.chaos.schedule import Fault, Round
from tests.chaos.sender import Posted, Sender
from tests.chaos.servers import PostgresServer, RedisServer, through
from tests.support.databases import DatabaseUrls
from tests.support.eventually import eventually

CALM_SECONDS: Final = 3.0
RECOVERY_PATIENCE: Final = 30.0
"""How long the next round waits for the flow to recover. Those whom the provider treats ill are not waited for."""
SETTLE_SECONDS: Final = 420.0
_OLD: Final = 3.0
_SPOOL_BYTES: Final = 256 * 1024
_FASTEST: Final = 60.0


@dataclass(frozen=True, slots=True)
class Order:
    """What to run. `minutes`: at least so long do faults take, when there is that much calm to fill."""

    seed: int
    messages: int
    rounds: Sequence[Round]
    minutes: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """A finished run."""

    account: Account
    spans: Sequence[Span]
    reasons: Reasons
    seconds: float
    turned_away: int
    refused: int
    notes: Sequence[str] = ()

    @property
    def struck(self) -> list[Struck]:
        """All faults as they happened."""
        return [each for span in self.spans for each in span.struck]


@dataclass
class Stage:
    """What a run happens on."""

    directory: Path
    site: Site
    urls: DatabaseUrls
    public: str
    provider: str
    ledger: Ledger
    notes: list[str] = field(default_factory=list)


@contextmanager
def scratch(prefix: str) -> Iterator[Path]:
    """Give a directory that is removed at the end, with passage for the account that the servers run as."""
    directory = Path(tempfile.mkdtemp(prefix=prefix))
    directory.chmod(0o711)
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


@contextmanager
def double(seed: int, directory: Path) -> Iterator[int]:
    """Run the provider's double; give its port."""
    port = free_port()
    with (directory / "twilio.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.chaos.twilio", str(port), str(seed), str(directory / "ledger.jsonl")],
            cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
    try:
        eventually(lambda: not is_free(port) or process.poll() is not None, within=30, what="The double")
        yield port
    finally:
        process.kill()
        process.wait()
        group_kill(process.pid)


@contextmanager
def spool_disk(spool: Path, notes: list[str]) -> Iterator[None]:
    """Give the api's spool a small file system of its own, so that it can be full."""
    spool.mkdir(parents=True, exist_ok=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={_SPOOL_BYTES},mode=0700", "tmpfs", str(spool)]
    mounted = (
        shutil.which("mount") is not None and subprocess.run(mount, check=False, capture_output=True).returncode == 0
    )
    if not mounted:
        notes.append("No file system could be mounted here (that needs root), so the disk was never full.")
    try:
        yield
    finally:
        if mounted:
            subprocess.run(["umount", "--lazy", str(spool)], check=False, capture_output=True)  # noqa: S607


@contextmanager
def raised(seed: int, directory: Path) -> Iterator[Stage]:
    """Raise servers, proxies, double and house; end all of it whatever happens."""
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
        provider_port = stack.enter_context(double(seed, directory))
        to_postgres, to_redis = Proxy(network, lambda: postgres.port), Proxy(network, lambda: redis.port)
        to_provider = Proxy(network, lambda: provider_port)
        clock = Clock(directory)
        front = Proxy(network, lambda: gatehouse.api_port)
        public = f"http://127.0.0.1:{front.port}"
        ways = replace(urls, app=through(urls.app, to_postgres.port), platform=through(urls.platform, to_postgres.port))
        provider = f"http://127.0.0.1:{to_provider.port}"
        stack.enter_context(spool_disk(directory / "data" / "spool", notes))
        gatehouse = Gatehouse(directory, Addresses(ways, through(redis.url, to_redis.port), provider, public), clock)
        stack.callback(gatehouse.house.stop)
        gatehouse.house.start()
        ledger = Ledger(directory / "ledger.jsonl")
        stack.callback(ledger.close)
        site = Site(gatehouse, postgres, redis, to_postgres, to_redis, to_provider, clock, gatehouse.data / "spool")
        yield Stage(directory, site, urls, public, f"http://127.0.0.1:{provider_port}", ledger, notes)


class Run:
    """The run itself, on a stage."""

    def __init__(self, order: Order, stage: Stage, say: Callable[[str], None]) -> None:
        self._order = order
        self._stage = stage
        self._say = say
        self._faults = Faults(stage.site)
        self._began = time.time()
        self._rounds_done = 0
        self._sender = Sender(stage.public, stage.provider, order.seed, order.messages, self._pace)

    def run(self) -> Outcome:
        """Strike, settle, take account."""
        self._sender.start()
        spans = [self._round(each) for each in self._order.rounds]
        self._say(f"all faults struck; {len(self._sender.posted):,} texts posted so far")
        self._sender.done.wait(60 + self._order.messages / 10)
        self._sender.stop()
        self._settle()
        reasons = reasons_of(self._stage.urls.superuser)
        ledger = self._stage.ledger
        ledger.read()
        account = settle(self._order.seed, self._sender.posted, ledger.taken, spans, reasons)
        return Outcome(
            account, spans, reasons, time.time() - self._began, ledger.turned_away, ledger.refused, self._stage.notes
        )

    def _round(self, each: Round) -> Span:
        share = (each.number - 1) / len(self._order.rounds)
        while time.time() < self._began + share * self._order.minutes * 60:
            threading.Event().wait(0.1)
        began = time.time()
        with ThreadPoolExecutor(len(each.faults)) as pool:
            struck = list(pool.map(lambda fault: self._strike(began, fault), each.faults))
        ended = max(one.ended for one in struck)
        threading.Event().wait(CALM_SECONDS)
        recovered = self._stage.ledger.wait_for(lambda: not self._held_up(ended), RECOVERY_PATIENCE)
        self._rounds_done += 1
        names = "; ".join(f"{one.fault.kind}{f' ({one.note})' if one.note else ''}" for one in struck)
        state = "recovered" if recovered else f"{len(self._held_up(ended))} held up"
        self._say(f"round {each.number}/{len(self._order.rounds)}: {names}: {ended - began:.0f} s, {state}")
        return Span(each.number, began, ended, struck)

    def _strike(self, began: float, fault: Fault) -> Struck:
        threading.Event().wait(max(0.0, began + fault.at - time.time()))
        return self._faults.strike(fault)

    def _held_up(self, before: float | None = None) -> list[Posted]:
        """Return texts that have been waiting for an answer for a while, by nobody's doing but ours."""
        now = time.time()
        return [
            one
            for one in list(self._sender.posted)
            if one.text.answered
            and one.accepted_at is not None
            and one.accepted_at < now - _OLD
            and (before is None or one.accepted_at < before)
            and not self._stage.ledger.taken.get(one.text.number)
            and (before is None or self._hurried(one))
        ]

    def _hurried(self, one: Posted) -> bool:
        index = index_of(one.text.number)
        return index is not None and customer(self._order.seed, index).temper not in UNHURRIED

    def _pace(self, left: int) -> float:
        """Spread what is left over the rounds that are left, as fast as they have gone so far."""
        elapsed, done, total = time.time() - self._began, self._rounds_done, len(self._order.rounds)
        planned = max(self._order.minutes * 60, sum(each.lasts + 10 for each in self._order.rounds))
        expected = elapsed / done * total if done > total / 10 else planned
        return min(max(left / max(expected - elapsed, 10.0), 1.0), _FASTEST)

    def _settle(self) -> None:
        self._say("no more texts; waiting for what is under way")
        began = time.time()
        self._stage.ledger.wait_for(lambda: not self._held_up(), SETTLE_SECONDS)
        with psycopg.connect(self._stage.urls.superuser, autocommit=True) as connection:
            while time.time() - began < SETTLE_SECONDS and _open_jobs(connection):
                threading.Event().wait(0.5)
        self._say(f"settled after {time.time() - began:.0f} s")


def _open_jobs(connection: psycopg.Connection[tuple[int]]) -> int:
    row = connection.execute(
        "SELECT count(*) FROM jobs WHERE state IN ('available', 'executing', 'scheduled', 'retryable')"
        " AND kind IN ('conversations.process', 'delivery.send')"
    ).fetchone()
    return row[0] if row else 0
