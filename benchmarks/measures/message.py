"""A text from webhook to provider: the wait when idle, and how many whole messages a second.

The provider is a local double of Twilio's API in this process, so both moments are read from one clock. Two jobs lie
between them, with the gate asked twice and a reply composed from the demo knowledge base; the baseline is two chained
actors of stock Dramatiq that do nothing.
"""

from __future__ import annotations

import os
import random
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from benchmarks import rivals
from benchmarks.load import Connection
from benchmarks.measures.pickup import lone, p50, p95
from benchmarks.plan import Plan
from benchmarks.results import Result, below
from benchmarks.roles import api, ours
from benchmarks.stage import ACCOUNT_SID, AUTH_TOKEN, Stage
from benchmarks.webhooks import requests
from migrations import seeds
from tests.support.twilio_double import TwilioDouble

MESSAGES = 25
"""Lone messages a round."""
CONNECTIONS = 16
FLOOD = 600
"""Messages at once."""
GAP = (0.05, 0.35)
_PATIENCE = 120.0


def measure(stage: Stage, plan: Plan) -> list[Result]:
    """Alternate lone messages with lone pairs of stock jobs; then flood."""
    os.environ["BASELINE_REDIS_URL"] = stage.valkey.url(rivals.DRAMATIQ_DATABASE)
    from benchmarks.baselines import dramatiq_noop  # noqa: PLC0415  reads its URL when it is imported

    rounds: dict[str, list[float]] = {"gatehouse": [], "dramatiq": []}
    rates: list[float] = []
    with ExitStack() as stack:
        port, twilio, _ = stack.enter_context(everything(stage))
        stack.enter_context(rivals.dramatiq(stage))
        stock = stack.enter_context(stage.redis(rivals.DRAMATIQ_DATABASE))
        made = requests(port, 100_000)
        connection = Connection(port)
        stack.callback(connection.close)
        rng = random.Random(7)  # noqa: S311  the same irregular moments in every run
        for number in range(plan.rounds + 1):
            waits: dict[str, list[float]] = {"gatehouse": [], "dramatiq": []}
            for _ in range(MESSAGES if number else 3):
                time.sleep(rng.uniform(*GAP))
                waits["gatehouse"].append(_answered(connection, twilio, next(made)))
                time.sleep(rng.uniform(*GAP))
                waits["dramatiq"].append(lone(stock, dramatiq_noop.first_of_two.send))
            if number:  # the one before is the warm-up
                for name, times in waits.items():
                    rounds[name].append(p95(times))
                    print(
                        f"    round {number}: {name}: p95 {p95(times):.1f} ms, median {p50(times):.1f} ms", flush=True
                    )
        for number in range(plan.rounds):
            rates.append(flood(port, twilio, [next(made) for _ in range(FLOOD)]))
            print(f"    round {number + 1}: {rates[-1]:.0f} whole messages/s", flush=True)
    wait = "webhook accepted to provider called, idle, p95"
    return [
        Result(wait, "ms", rounds["gatehouse"], aim=below(80)),
        Result(wait, "ms", rounds["gatehouse"], "two chained stock actors", rounds["dramatiq"]),
        Result("whole messages, webhook to provider", "messages/s", rates),
    ]


@contextmanager
def everything(stage: Stage) -> Iterator[tuple[int, TwilioDouble, dict[str, subprocess.Popen[bytes]]]]:
    """Run the double and all our roles on the demo tenant; give the API's port, the double and the roles."""
    with (
        TwilioDouble(account_sid=ACCOUNT_SID, auth_token=AUTH_TOKEN) as twilio,
        stage.fresh() as urls,
    ):
        seeds.apply(urls.platform, "demo")
        with (
            ours(stage, urls, sms_provider="twilio", twilio__api_base_url=twilio.url) as running,
            api(stage, urls, sms_provider="twilio", twilio__api_base_url=twilio.url) as port,
        ):
            yield port, twilio, running


def _answered(connection: Connection, twilio: TwilioDouble, request: bytes) -> float:
    """Post one webhook; return the milliseconds from its acceptance to the provider's call."""
    before = len(twilio.messages)
    connection.send(request)
    assert b" 200 " in connection.answer(), "the webhook was refused"
    accepted = time.time()
    sent = twilio.wait_for(before + 1, seconds=_PATIENCE)[before]
    return (sent.created_at.timestamp() - accepted) * 1000


def flood(port: int, twilio: TwilioDouble, made: list[bytes]) -> float:
    """Post many webhooks at once; return the whole messages a second until the provider was called for the last."""
    before = len(twilio.messages)
    connections = [Connection(port) for _ in range(CONNECTIONS)]
    started = time.time()
    for first in range(0, len(made), CONNECTIONS):
        group = list(zip(connections, made[first : first + CONNECTIONS], strict=False))
        for connection, request in group:
            connection.send(request)
        for connection, _ in group:
            assert b" 200 " in connection.answer(), "a webhook was refused"
    sent = twilio.wait_for(before + len(made), seconds=_PATIENCE)[before:]
    for connection in connections:
        connection.close()
    return len(made) / (max(one.created_at.timestamp() for one in sent) - started)
