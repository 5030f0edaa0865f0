"""New recovery codes, by page and by program: they take the password and a code, and end those that there were."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

import pyotp
import pytest

from domain.access.second_factor_setup import RECOVERY_CODES
from domain.kernel.clock import SystemClock
from domain.kernel.ids import PLATFORM_ORG_ID
from providers.registry import build_sealer
from tests.api.conftest import ADMIN_TOKEN
from tests.support.app_client import AppClient
from tests.support.signing_in import PASSWORD, acts, add_person, add_second_factor, csrf_of, sign_in

if TYPE_CHECKING:
    import httpx

    from config.settings import Settings
    from tests.support.databases import DatabaseUrls

pytestmark = pytest.mark.integration
ANN = "ann@example.com"
PAGE = "/account/recovery-codes"
PATH = "/api/v1/account/recovery-codes"


@pytest.fixture
def ann(database_urls: DatabaseUrls) -> UUID:
    return add_person(database_urls.platform, ANN, ("workspace_viewer", PLATFORM_ORG_ID, None), name="Ann")


@pytest.fixture
def totp(client: AppClient, settings: Settings, database_urls: DatabaseUrls, ann: UUID) -> pyotp.TOTP:
    """Let Ann be signed in, and have a second factor since."""
    sign_in(client, ANN)
    return add_second_factor(database_urls.platform, ann, build_sealer(settings))


def code_now(totp: pyotp.TOTP, *, steps: int = 0) -> str:
    """Return a code of now, or of the next step, which is taken as well: no code counts twice."""
    return totp.at(SystemClock().now() + timedelta(seconds=30 * steps))


def send(client: AppClient, **form: str) -> httpx.Response:
    return client.post(PAGE, data={**form, "csrf_token": csrf_of(client, "/account")})


def ask(client: AppClient, **proof: str) -> httpx.Response:
    return client.post(PATH, json=proof, headers={"X-CSRF-Token": csrf_of(client, "/account")})


def shown_codes(page: str) -> list[str]:
    return re.findall(r"<code>((?:[A-Z2-7]{4}-){3}[A-Z2-7]{4})</code>", page)


def test_the_account_leads_to_new_codes_which_are_shown_this_once(
    client: AppClient, totp: pyotp.TOTP, database_urls: DatabaseUrls
) -> None:
    assert f'href="{PAGE}"' in client.get("/account").text
    assert "those that you have now work no more" in client.get(PAGE).text
    refused = send(client, password="wrong", code=code_now(totp))
    assert (refused.status_code, shown_codes(refused.text)) == (422, [])
    assert "The present password is not right." in refused.text
    refused = send(client, password=PASSWORD, code="000000")
    assert (refused.status_code, "The code is not right." in refused.text) == (422, True)
    made = send(client, password=PASSWORD, code=code_now(totp))
    assert (made.status_code, len(shown_codes(made.text))) == (200, RECOVERY_CODES)
    assert shown_codes(client.get(PAGE).text) == []
    assert [act[1] for act in acts(database_urls.platform, "user.recovery%")] == ["user.recovery_codes_renewed"]


def test_a_program_with_the_session_gets_them_and_those_before_are_none(client: AppClient, totp: pyotp.TOTP) -> None:
    first = ask(client, password=PASSWORD, code=code_now(totp))
    assert (first.status_code, len(first.json()["codes"])) == (201, RECOVERY_CODES)
    second = ask(client, password=PASSWORD, code=first.json()["codes"][0])
    assert second.status_code == 201
    refused = ask(client, password=PASSWORD, code=first.json()["codes"][1])
    assert (refused.status_code, "codes" in refused.json()) == (422, False)


def test_neither_a_key_nor_another_site_gets_any(client: AppClient, totp: pyotp.TOTP) -> None:
    proof = {"password": PASSWORD, "code": code_now(totp)}
    assert client.post(PATH, json=proof).status_code == 403
    assert client.post(PATH, json=proof, headers={"Authorization": f"Bearer {ADMIN_TOKEN}"}).status_code == 403
    assert ask(client, **proof).status_code == 201


@pytest.mark.usefixtures("ann")
def test_without_a_second_factor_there_is_nothing_to_renew(client: AppClient) -> None:
    sign_in(client, ANN)
    assert "Make new recovery codes" not in client.get("/account").text
    assert ask(client, password=PASSWORD, code="000000").status_code == 409
