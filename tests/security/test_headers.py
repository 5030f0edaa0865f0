"""What answers tell browsers, wherever they come from: pages, data, files, refusals and errors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from starlette.responses import HTMLResponse, Response

from api.app import create_app
from tests.support.app_client import AppClient

if TYPE_CHECKING:
    from tests.support.app_fixtures import MakeSettings

HTTPS = "https://gatehouse.example"
EVERYWHERE = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cache-control": "no-store",
}


def https_app(make: MakeSettings, **changes: object) -> AppClient:
    app = create_app(make(public_url=HTTPS, **changes))

    @app.get("/probe/page")
    async def own_page() -> Response:
        return HTMLResponse("<p>hello</p>")

    @app.get("/probe/bug")
    async def bug() -> None:
        raise RuntimeError

    return AppClient(app, base_url=HTTPS)


@pytest.mark.parametrize(
    ("method", "path", "host"),
    [
        ("GET", "/sign-in", "gatehouse.example"),
        ("GET", "/probe/page", "gatehouse.example"),
        ("GET", "/probe/bug", "gatehouse.example"),
        ("GET", "/nowhere", "gatehouse.example"),
        ("DELETE", "/api/health", "gatehouse.example"),
        ("GET", "/api/health", "10.0.0.1"),
        ("GET", "/sign-in", "evil.example"),
        ("POST", "/webhooks/twilio/sms", "gatehouse.example"),
        ("GET", "/api/v1/queues", "gatehouse.example"),
    ],
)
def test_every_answer_carries_them_also_a_refusal_and_an_error(
    unconnected: MakeSettings, method: str, path: str, host: str
) -> None:
    headers = https_app(unconnected).request(method, path, headers={"Host": host}).headers
    assert headers.items() >= EVERYWHERE.items()
    assert headers["strict-transport-security"] == "max-age=31536000"
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert "x-request-id" in headers
    assert "server" not in headers
    assert "x-powered-by" not in headers


@pytest.mark.parametrize("path", ["/sign-in", "/probe/page"])
def test_pages_are_alone_in_their_window_and_use_no_device(unconnected: MakeSettings, path: str) -> None:
    headers = https_app(unconnected).get(path).headers
    assert headers["cross-origin-opener-policy"] == "same-origin"
    for feature in ("camera", "geolocation", "microphone", "payment", "usb"):
        assert f"{feature}=()" in headers["permissions-policy"]
    policy = headers["content-security-policy"]
    assert "'unsafe-inline'" not in policy
    assert "'unsafe-eval'" not in policy
    assert "base-uri 'none'" in policy
    assert "object-src 'none'" in policy or "default-src 'none'" in policy


def test_plain_http_is_not_told_to_be_https(unconnected: MakeSettings) -> None:
    headers = AppClient(create_app(unconnected())).get("/sign-in").headers
    assert "strict-transport-security" not in headers


def test_files_may_be_kept_but_not_taken_for_something_else(unconnected: MakeSettings) -> None:
    headers = https_app(unconnected).get("/assets/gatehouse.css").headers
    assert headers["x-content-type-options"] == "nosniff"


def test_no_answer_opens_administration_to_scripts_of_other_sites(unconnected: MakeSettings) -> None:
    client = https_app(unconnected)
    asked = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    for method in ("OPTIONS", "GET"):
        answer = client.request(method, "/api/v1/api-keys", headers=asked)
        assert not [name for name in answer.headers if name.startswith("access-control-")]
