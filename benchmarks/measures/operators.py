"""What twenty people with pages open all day cost the workers: jobs a second with them against without.

They are a process of their own on the same machine, whose CPU counts against us.
"""

from __future__ import annotations

import time
from typing import Final

import httpx
import psycopg

from benchmarks.backlogs import ORGANIZATIONS, fed, throughput
from benchmarks.plan import Plan
from benchmarks.results import Result, at_least
from benchmarks.roles import api, ours, process
from benchmarks.stage import Stage
from benchmarks.tenants import make_tenants
from domain.kernel.ids import PLATFORM_ORG_ID
from tests.support.databases import DatabaseUrls
from tests.support.signing_in import add_person, sign_in

PEOPLE: Final = 20
DEPTH: Final = 1_000
SETTLE, SECONDS = 5.0, 20.0


def measure(stage: Stage, plan: Plan) -> list[Result]:
    """Alternate between nobody and everybody, on one running house."""
    seconds = SECONDS * min(1.0, max(plan.scale, 0.2))
    rates: dict[str, list[float]] = {"nobody": [], "everybody": []}
    with stage.fresh() as urls, psycopg.connect(urls.superuser, autocommit=True) as connection:
        make_tenants(connection, ORGANIZATIONS)
        with ours(stage, urls), api(stage, urls, rates__sign_ins=1_000) as port, fed(urls, depth=DEPTH):
            command = ["-m", "benchmarks.operators", str(port), *_sessions(urls, port)]
            for number in range(plan.rounds):
                rates["nobody"].append(throughput(connection, settle=SETTLE, seconds=seconds))
                with process(stage, "operators", command, stage.environment(urls)) as people:
                    rates["everybody"].append(throughput(connection, settle=SETTLE, seconds=seconds))
                    assert people.poll() is None, "somebody's page broke; the log of operators says which"
                print(
                    f"    round {number + 1}: nobody {rates['nobody'][-1]:,.0f} jobs/s,"
                    f" {PEOPLE} people {rates['everybody'][-1]:,.0f} jobs/s",
                    flush=True,
                )
                time.sleep(1)
    measured = f"throughput with {PEOPLE} people's pages open"
    return [Result(measured, "jobs/s", rates["everybody"], "nobody's", rates["nobody"], at_least(0.98))]


def _sessions(urls: DatabaseUrls, port: int) -> list[str]:
    """Sign everybody in, as people with an account each; return what their browsers hold."""
    held = []
    for number in range(PEOPLE):
        email = f"operator{number}@example.com"
        add_person(urls.platform, email, ("super_admin", PLATFORM_ORG_ID, None))
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as browser:
            assert sign_in(browser, email).status_code == httpx.codes.SEE_OTHER
            held.append(browser.cookies["gatehouse"])
    return held
