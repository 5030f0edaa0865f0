"""Every route that changes something, asked by another site with a borrowed session: none is done.

What a route takes instead of a permission is written at the route; here it has to hold. Only what reads no cookie may
do without a token of our pages.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import pytest

from api.access.declared import declared_routes
from api.app import create_app
from tests.support.app_client import AppClient
from tests.support.app_settings import ADMIN_TOKEN
from tests.support.signing_in import csrf_of, sign_in_by_token
from tests.support.whose import OF_NOBODY, contents

if TYPE_CHECKING:
    from fastapi import FastAPI

    from config.settings import Settings
    from tests.support.databases import DatabaseUrls

pytestmark = pytest.mark.integration
SAFE: Final = {"GET", "HEAD", "OPTIONS"}
# A signature, a signed link, or a widget's own token: whoever comes with a cookie gains nothing by it.
TAKES_NO_COOKIE: Final = ("/webhooks/", "/unsubscribe/", "/api/widget/")
ELSEWHERE: Final = (
    {"Origin": "https://evil.example"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site", "Origin": "https://www.evil.example"},
)
ID: Final = "01980000-0000-7000-8000-0000000000ff"


def changing(app: FastAPI) -> list[tuple[str, str]]:
    """Return the method and an address of each route that does more than look, but those that take no cookie."""
    return [
        (method, re.sub(r"{(\w+)[^}]*}", lambda found: OF_NOBODY.get(found[1], ID), route.path))
        for route in declared_routes(app)
        for method in sorted(route.methods - SAFE)
        if not route.path.startswith(TAKES_NO_COOKIE)
    ]


def test_no_route_is_done_for_another_site_nor_without_a_token_of_our_pages(
    settings: Settings, database_urls: DatabaseUrls
) -> None:
    app = create_app(settings)
    with AppClient(app) as client:
        sign_in_by_token(client, ADMIN_TOKEN)
        token = csrf_of(client, "/dashboard/journeys")
        before = contents(database_urls.superuser)
        routes = changing(app)
        for method, path in routes:
            tries = [{}, *(headers | {"X-CSRF-Token": token} for headers in ELSEWHERE)]
            for headers in tries:
                answer = client.request(method, path, json={}, headers=headers)
                assert answer.status_code == 403, (method, path, headers, answer.status_code)
                assert answer.json()["type"] == "urn:gatehouse:problem:csrf", (method, path, headers)
        assert contents(database_urls.superuser) == before
        assert client.get("/dashboard/journeys").status_code == 200
    assert len(routes) > 50


def test_every_route_takes_what_comes_from_a_current_page_of_ours(settings: Settings) -> None:
    app = create_app(settings)
    with AppClient(app) as client:

        def token() -> str:
            sign_in_by_token(client, ADMIN_TOKEN)
            return csrf_of(client, "/account")

        held, ours = token(), {"Sec-Fetch-Site": "same-origin", "Origin": settings.public_url}
        for method, path in changing(app):
            if client.get("/account").status_code != 200:
                held = token()  # The session was ended by what was asked before, as by signing out.
            answer = client.request(method, path, json={}, headers=ours | {"X-CSRF-Token": held})
            assert answer.status_code < 500, (method, path, answer.status_code)
            assert "urn:gatehouse:problem:csrf" not in answer.text, (method, path)


def test_what_takes_no_cookie_is_answered_alike_with_one_and_without(settings: Settings) -> None:
    app = create_app(settings)
    with AppClient(app) as client:

        def asked() -> dict[str, int]:
            return {
                f"{method} {route.path}": client.request(method, re.sub(r"{\w+}", ID, route.path), json={}).status_code
                for route in declared_routes(app)
                for method in sorted(route.methods - SAFE)
                if route.path.startswith(TAKES_NO_COOKIE)
            }

        by_stranger = asked()
        sign_in_by_token(client, ADMIN_TOKEN)
        assert asked() == by_stranger
    assert min(by_stranger.values()) >= 400
