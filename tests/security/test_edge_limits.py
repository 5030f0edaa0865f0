"""How much anybody may ask for: counted for all processes in Redis, and in each of them while Redis is away."""

from __future__ import annotations

import io
import json
import re
from functools import partial
from typing import TYPE_CHECKING, Final

import anyio
import psycopg
import pytest
import redis
import redis.asyncio

from api.app import create_app
from api.edge.limiter import Limiter, LocalCounts, Rate, Standing
from config.logging import configure_logging
from domain.kernel.ids import PLATFORM_ORG_ID
from domain.kernel.redaction import redact
from tests.support.app_client import AppClient
from tests.support.app_settings import ADMIN_TOKEN
from tests.support.logs import logging_restored
from tests.support.private_redis import PrivateRedis

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from config.settings import Settings
    from tests.support.app_fixtures import MakeSettings
    from tests.support.databases import DatabaseUrls

ADMIN: Final = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
PATH: Final = "/api/v1/queues"
MANY: Final = {"address": 1000, "reads": 1000, "changes": 1000, "sign_ins": 1000, "letters": 1000}


def limited(settings: Settings, **rates: int) -> AppClient:
    changed = settings.rates.model_copy(update=MANY | rates)
    return AppClient(create_app(settings.model_copy(update={"rates": changed})))


@pytest.mark.integration
def test_answers_say_what_is_allowed_and_what_is_left(settings: Settings) -> None:
    with limited(settings, reads=3) as client:
        told = [client.get(PATH, headers=ADMIN) for _ in range(4)]
    assert [answer.status_code for answer in told] == [200, 200, 200, 429]
    assert {answer.headers["ratelimit-policy"] for answer in told} == {'"reads";q=3;w=60'}
    left = [re.fullmatch(r'"reads";r=(\d+);t=(\d+)', answer.headers["ratelimit"]) for answer in told]
    assert [found and int(found[1]) for found in left] == [2, 1, 0, 0]
    assert all(found and 1 <= int(found[2]) <= 60 for found in left)
    refused = told[-1]
    assert refused.json()["type"] == "urn:gatehouse:problem:too-many"
    assert 1 <= int(refused.headers["retry-after"]) <= 60


@pytest.mark.integration
def test_looking_and_changing_are_counted_apart_and_each_caller_alone(settings: Settings) -> None:
    with limited(settings, reads=1, changes=1) as client:
        assert client.get(PATH, headers=ADMIN).status_code == 200
        assert client.get(PATH, headers=ADMIN).status_code == 429
        made = client.post("/api/v1/api-keys", json={"name": "x", "role": "super_admin"}, headers=ADMIN)
        assert made.status_code == 201
        key = {"Authorization": f"Bearer {made.json()['key']}"}
        assert client.get(PATH, headers=key).status_code == 200
        assert client.get(PATH, headers=key).status_code == 429


@pytest.mark.integration
def test_all_processes_count_together(settings: Settings) -> None:
    with limited(settings, reads=2) as one, limited(settings, reads=2) as other:
        assert one.get(PATH, headers=ADMIN).status_code == 200
        assert other.get(PATH, headers=ADMIN).status_code == 200
        assert one.get(PATH, headers=ADMIN).status_code == 429


@pytest.mark.integration
def test_an_address_that_knows_no_key_is_stopped_before_the_database_is_asked(settings: Settings) -> None:
    with limited(settings, address=3) as client:
        wrong = {"Authorization": "Bearer nobodys"}
        assert [client.get(PATH, headers=wrong).status_code for _ in range(5)] == [401, 401, 401, 429, 429]
        assert client.get("/api/health").status_code == 200


def test_a_signed_webhook_is_never_counted(unconnected: MakeSettings) -> None:
    rates = MANY | {"address": 1}
    client = AppClient(create_app(unconnected(rates=rates)))
    assert {client.post("/webhooks/twilio/sms").status_code for _ in range(20)} == {403}
    assert {client.post("/webhooks/twilio/status").status_code for _ in range(20)} == {403}


@pytest.mark.integration
def test_sign_in_is_counted_for_its_address(settings: Settings) -> None:
    with limited(settings, sign_ins=3) as client:
        statuses = [sign_in(client, f"p{number}@example.com") for number in range(5)]
    assert statuses[3:] == [429, 429]
    assert 429 not in statuses[:3]


@pytest.mark.integration
def test_sign_in_is_counted_for_the_account_wherever_it_comes_from(settings: Settings) -> None:
    behind = settings.model_copy(update={"trusted_proxy_hops": 1})
    with limited(behind, sign_ins=3) as client:
        statuses = [
            sign_in(client, email, {"X-Forwarded-For": f"198.51.100.{number}"})
            for number, email in enumerate(
                ["Ann@Example.com", "ann@example.com ", "ann@example.com", "ann@example.com"]
            )
        ]
        assert statuses[3] == 429
        assert 429 not in statuses[:3]
        assert sign_in(client, "bob@example.com", {"X-Forwarded-For": "198.51.100.9"}) != 429


@pytest.mark.integration
def test_no_name_of_an_account_stands_in_redis(settings: Settings, redis_url: str) -> None:
    with limited(settings) as client:
        sign_in(client, "ann@example.com")
    with redis.Redis.from_url(redis_url) as looked:
        names = b" ".join(looked.keys("*"))
    assert b"sign-ins-of-account" in names
    assert b"ann" not in names


def sign_in(client: AppClient, email: str, headers: dict[str, str] | None = None) -> int:
    """Try a wrong password as the page does."""
    form = client.get("/sign-in", headers=headers).text
    token = re.search(r'name="csrf_token" value="([^"]+)"', form)
    assert token is not None
    sent = {"email": email, "password": "wrong horse battery", "csrf_token": token[1]}
    # As a browser says of a form of our own page.
    ours = {"Origin": "http://testserver", "Sec-Fetch-Site": "same-origin", **(headers or {})}
    return client.post("/sign-in", data=sent, headers=ours).status_code


LOOSE: Final = Rate("loose", 8)
STRICT: Final = Rate("strict", 8, strict=True)


def test_without_redis_a_process_counts_for_itself_and_more_strictly_where_somebody_guesses() -> None:
    counts = LocalCounts()
    loose = [counts.count(LOOSE, ("a",), 0.0).allowed for _ in range(10)]
    strict = [counts.count(STRICT, ("a",), 0.0).allowed for _ in range(10)]
    assert loose == [True] * 8 + [False] * 2
    assert strict == [True] * 2 + [False] * 8
    assert counts.count(STRICT, ("b",), 0.0).allowed
    assert not counts.count(STRICT, ("a",), 59.9).allowed
    assert counts.count(STRICT, ("a",), 60.0).allowed


def test_a_process_remembers_only_so_many_addresses() -> None:
    counts = LocalCounts()
    for number in range(30_000):
        counts.count(LOOSE, (str(number),), 0.0)
    assert len(counts._windows) == 20_000


@pytest.fixture
def warnings(unconnected: MakeSettings) -> Iterator[Callable[[], list[str]]]:
    stream = io.StringIO()
    with logging_restored():
        configure_logging(unconnected(), "api", redact, stream)
        yield lambda: [json.loads(line)["event"] for line in stream.getvalue().splitlines()]


@pytest.mark.integration
def test_when_redis_goes_counting_goes_on_and_is_warned_of_once_a_while(warnings: Callable[[], list[str]]) -> None:
    clock = [0.0]

    async def ask(limiter: Limiter, times: int, rate: Rate = LOOSE) -> list[Standing]:
        return [await limiter.count(rate, "somebody") for _ in range(times)]

    async def run(server: redis.asyncio.Redis, stop: Callable[[], Awaitable[None]]) -> None:
        limiter = Limiter(lambda: clock[0])
        limiter.share(server)
        assert [one.allowed for one in await ask(limiter, 9)] == [True] * 8 + [False]
        assert warnings() == []
        await stop()
        assert [one.allowed for one in await ask(limiter, 9)] == [True] * 8 + [False]
        assert [one.allowed for one in await ask(limiter, 3, STRICT)] == [True] * 2 + [False]
        assert warnings() == ["limits.redis_away"]
        clock[0] += 3
        await ask(limiter, 2)
        assert warnings() == ["limits.redis_away"] * 2

    async def with_server() -> None:
        with PrivateRedis() as own:
            server = redis.asyncio.from_url(own.url, socket_connect_timeout=1, socket_timeout=1)
            await run(server, partial(anyio.to_thread.run_sync, own.stop))
            await server.aclose()

    anyio.run(with_server)


@pytest.mark.integration
def test_letters_that_people_ask_for_are_counted_for_their_address_and_for_the_account(settings: Settings) -> None:
    behind = settings.model_copy(update={"trusted_proxy_hops": 1})
    with limited(behind, letters=2) as client:
        asked = 0

        def ask(email: str, *, caller: int | None = None) -> int:
            nonlocal asked
            asked += 1
            seen = {"X-Forwarded-For": f"198.51.100.{asked if caller is None else caller}"}
            page = client.get("/account/reset", headers=seen)
            token = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
            assert token is not None
            return client.post(
                "/account/reset", data={"email": email, "csrf_token": token[1]}, headers=seen
            ).status_code

        assert [ask(email) for email in ("a@example.com", " A@Example.com", "a@example.com")] == [200, 200, 429]
        assert [ask(f"{number}@example.com", caller=200) for number in range(3)] == [200, 200, 429]
        assert ask("b@example.com") == 200


@pytest.mark.integration
def test_nobodys_mailbox_is_filled_by_inviting_them_again_and_again(
    settings: Settings, database_urls: DatabaseUrls
) -> None:
    wanted = {"role": "workspace_viewer", "org_id": str(PLATFORM_ORG_ID)}
    with limited(settings, letters=2) as client:

        def invite(address: str) -> int:
            return client.post("/api/v1/users", json=wanted | {"email": address}, headers=ADMIN).status_code

        assert [invite(address) for address in ("a@example.com", " A@Example.com ", "a@example.com")] == [201, 201, 429]
        assert [invite(f"{number}@example.com") for number in range(39)].count(429) == 1
        user_id = client.get("/api/v1/users", headers=ADMIN).json()["items"][-1]["id"]
        again = [client.post(f"/api/v1/users/{user_id}/send-reset", headers=ADMIN).status_code for _ in range(2)]
        assert again == [429, 429]
    with psycopg.connect(database_urls.superuser) as connection:
        row = connection.execute("SELECT count(*) FROM jobs WHERE kind = 'access.invitation'").fetchone()
    assert row == (40,)
