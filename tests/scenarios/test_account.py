"""A person's account from the invitation to a forgotten password, through the running roles and the sandbox mailbox."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pyotp
import pytest

from migrations.seeds import apply
from migrations.seeds.demo import CLIENT_ID, ORGANIZATION_ID
from tests.support.eventually import eventually
from tests.support.running_house import ADMIN_TOKEN, RunningHouse
from tests.support.signing_in import csrf_of, sign_in

if TYPE_CHECKING:
    from tests.support.databases import DatabaseUrls

pytestmark = [pytest.mark.scenario, pytest.mark.integration]
EMAIL = "ada@example.com"
FIRST, SECOND = "copper lantern under the bridge", "seven quiet herons wading"
MAILBOX = "/dashboard/sandbox/mail"


@pytest.fixture
def house(database_urls: DatabaseUrls, redis_url: str, broker_url: str, tmp_path: Path) -> Iterator[RunningHouse]:
    apply(database_urls.platform, "demo")
    with RunningHouse(database_urls, redis_url, broker_url, tmp_path, GATEHOUSE_WORKER_PROCESSES="1") as running:
        yield running


def test_a_person_is_invited_signs_in_with_two_factors_and_forgets_the_password(house: RunningHouse) -> None:
    admin = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
    with (
        httpx.Client(base_url=house.url, timeout=30, headers=admin) as operator,
        httpx.Client(base_url=house.url, timeout=30) as browser,
        httpx.Client(base_url=house.url, timeout=30) as elsewhere,
    ):
        where = {"org_id": str(ORGANIZATION_ID), "client_id": str(CLIENT_ID)}
        invited = operator.post("/api/v1/users", json={"email": EMAIL, "role": "workspace_admin", **where})
        assert invited.status_code == 201, invited.text

        link = letter(operator, "invite", 1)
        assert browser.get(link).status_code == 200
        accepts = invited.json()["id"]
        assert f'name="accept" value="{accepts}"' in browser.get(link).text
        assert submit(browser, link, name="Ada", password=FIRST, again=FIRST, accept=accepts).status_code == 200

        assert sign_in(browser, EMAIL, FIRST).status_code == 303
        assert [one["email"] for one in browser.get("/api/v1/users").json()["items"]] == [EMAIL]

        totp = enrol(browser)
        assert sign_in(elsewhere, EMAIL, FIRST).headers["location"] == "/sign-in/code"
        assert elsewhere.get("/account").status_code == 401
        code = totp.at(datetime.now(UTC) + timedelta(seconds=30))  # The one of now has confirmed it, and is used up.
        assert submit(elsewhere, "/sign-in/code", code=code).status_code == 303
        assert elsewhere.get("/account").status_code == 200

        submit(browser, "/account/reset", email=EMAIL)
        link = letter(operator, "reset", 2)
        assert "is set" in submit(browser, link, password=SECOND, again=SECOND).text
        assert [one.get("/account").status_code for one in (browser, elsewhere)] == [401, 401]
        assert sign_in(browser, EMAIL, FIRST).status_code == 401
        assert sign_in(browser, EMAIL, SECOND).headers["location"] == "/sign-in/code"
        assert link.rpartition("/")[2] not in house.logs("api") + house.logs("worker")
        assert EMAIL not in house.logs("api") + house.logs("worker")


def enrol(browser: httpx.Client) -> pyotp.TOTP:
    """Turn the second factor on, as a person does with their phone."""
    key = re.search(
        r"<code>([A-Z2-7]{32})</code>", submit(browser, "/account/second-factor", "/account", password=FIRST).text
    )
    assert key
    totp = pyotp.TOTP(key.group(1))
    code = totp.at(datetime.now(UTC))
    codes = submit(browser, "/account/second-factor/confirm", "/account", code=code)
    assert len(re.findall(r"<code>[A-Z2-7]{4}(?:-[A-Z2-7]{4}){3}</code>", codes.text)) == 10
    return totp


def letter(operator: httpx.Client, kind: str, at_least: int) -> str:
    """Wait for so many letters, and return the path that the latest of a kind leads to."""

    def box() -> list[str]:
        found = re.findall(rf'href="({MAILBOX}/[0-9a-f-]{{36}})"', operator.get(MAILBOX).text)
        return list(dict.fromkeys(found))

    letters = eventually(lambda: found if len(found := box()) >= at_least else [], within=40, what="The letter")
    for one in letters:
        link = re.search(rf"https?://[^/\s]+(/account/{kind}/[\w-]+)", operator.get(one).text)
        if link:
            return link.group(1)
    raise AssertionError(f"There is no {kind} letter.")


def submit(browser: httpx.Client, to: str, page: str | None = None, **form: str) -> httpx.Response:
    """Send a form with the token of the page that it stands on."""
    return browser.post(to, data={**form, "csrf_token": csrf_of(browser, page or to)})
