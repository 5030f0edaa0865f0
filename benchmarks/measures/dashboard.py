"""How fast every page answers with ten million attempts, a million jobs and a hundred tenants of history.

The pages are found by their routes (`tests.browser.every_page`), so a new one is measured without being listed here,
and asked for through the real API by somebody who signed in. Pages of one thing take the newest there is.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

import httpx
import psycopg

from benchmarks.measures.pickup import p50, p95
from benchmarks.plan import Plan
from benchmarks.results import Result, below
from benchmarks.roles import api, ours
from benchmarks.stage import Stage
from benchmarks.tenants import make_past
from tests.browser.every_page import filled, page_paths
from tests.support.databases import DatabaseUrls
from tests.support.signing_in import sign_in_by_token

TOKEN: Final = "benchmark-admin-token-0123456789"  # noqa: S105  of this run's own application
AIM_MS: Final = 200
ASKED: Final = 40
"""Times that each page is asked for in a round; FEW on a history smaller than FULL, which only tries."""
FEW: Final = 4
FULL: Final = 0.1
# Besides the pages as they are: what they are narrowed to, and what nobody has asked for a moment before.
MORE: Final = (
    "/dashboard/overview?span=day",
    "/dashboard/overview?span=week",
    "/dashboard/overview?span=week&kind=benchmark.kind_{n}",
    "/dashboard/jobs?state=dead&kind=benchmark.kind_{n}&time=7d",
    "/dashboard/jobs?kind=benchmark.kind_{n}&time=all",
)
_IDS: Final[Mapping[str, str]] = {
    "job_id": "SELECT id FROM jobs ORDER BY id DESC LIMIT 1",
    "fingerprint": "SELECT fingerprint FROM jobs WHERE state = 'dead' ORDER BY id DESC LIMIT 1",
    "correlation_id": "SELECT correlation_id FROM messages ORDER BY id DESC LIMIT 1",
    "client_id": "SELECT id FROM clients ORDER BY id LIMIT 1",
    "org_id": "SELECT id FROM organizations WHERE slug = 't1'",
    "delivery_id": "SELECT id FROM deliveries ORDER BY id DESC LIMIT 1",
}


def measure(stage: Stage, plan: Plan) -> list[Result]:
    """Ask for each page again and again, all of them in turn."""
    times: dict[str, list[float]] = {}
    medians: dict[str, list[float]] = {}
    with stage.fresh() as urls:
        started = time.monotonic()
        with psycopg.connect(urls.superuser, autocommit=True) as connection:
            make_past(connection, scale=plan.scale)
            ids = _ids(connection)
        print(f"    history made in {time.monotonic() - started:.0f} s", flush=True)
        asked = ASKED if plan.scale >= FULL else FEW
        # One person asks more here than anybody may in a minute.
        with ours(stage, urls), signed_in(stage, urls, rates__reads=10**6, rates__address=10**6) as client:
            for number in range(plan.rounds):
                for name, paths in _pages(client, ids).items():
                    taken = [_asked(client, paths.replace("{n}", str(turn % 8))) for turn in range(asked)]
                    times.setdefault(name, []).append(p95(taken))
                    medians.setdefault(name, []).append(p50(taken))
                worst = max(times, key=lambda name: times[name][-1])
                print(f"    round {number + 1}: slowest {worst}: p95 {times[worst][-1]:.0f} ms", flush=True)
    return [
        Result(f"page {name}, p95", "ms", found, aim=below(AIM_MS), note=f"p50 {min(medians[name]):.0f} ms")
        for name, found in times.items()
    ]


@contextmanager
def signed_in(stage: Stage, urls: DatabaseUrls, **changes: object) -> Iterator[httpx.Client]:
    """Run the API and give a browser that signed in there."""
    with (
        api(stage, urls, admin_token=TOKEN, **changes) as port,
        httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60, headers={"accept": "text/html"}) as client,
    ):
        answer = sign_in_by_token(client, TOKEN)
        assert answer.status_code == httpx.codes.SEE_OTHER, answer.text
        yield client


def _pages(client: httpx.Client, ids: Mapping[str, str]) -> Mapping[str, str]:
    """Return the pages that there are for this history, by what they are called in the table."""
    found = {}
    for path in (*page_paths(), *MORE):
        try:
            asked = path if "{n}" in path else filled(path, ids)
        except KeyError:
            continue  # of a thing that this history has none of
        if client.get(asked.replace("{n}", "1")).status_code == httpx.codes.OK:
            found[path] = asked
    return found


def _asked(client: httpx.Client, path: str) -> float:
    """Return the milliseconds that a page took."""
    started = time.perf_counter()
    answer = client.get(path)
    assert answer.status_code == httpx.codes.OK, path
    return (time.perf_counter() - started) * 1000


def _ids(connection: psycopg.Connection[tuple[object]]) -> Mapping[str, str]:
    found = {name: connection.execute(query.encode()).fetchone() for name, query in _IDS.items()}
    return {name: str(row[0]) for name, row in found.items() if row is not None}
