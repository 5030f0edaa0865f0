"""The whole OpenAPI document, tried by everybody: each answer is as it says, and shows nobody another tenant's data."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from api.app import create_app
from config.places import CONFIG
from domain.access.roles.book import read_roles
from tests.support.app_client import AppClient
from tests.support.app_settings import ADMIN_TOKEN, app_settings
from tests.support.whose import BESIDE, ELSEWHERE, Place, Tenants, fill, new_keyholder

if TYPE_CHECKING:
    from pathlib import Path

    import httpx
    from schemathesis import APIOperation, Case

    from tests.support.databases import DatabaseUrls

    Request = Case[APIOperation[Any, Any, Any, Any]]

# In one process: making up the requests takes as long as asking them once.
pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("document")]
BOOK: Final = read_roles(CONFIG)
CHECKS: Final = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    response_headers_conformance,
]
# Of each operation: so many as the document wants them, and so many that are not.
EXAMPLES: Final = ((GenerationMode.POSITIVE, 2), (GenerationMode.NEGATIVE, 1))
# How long a route waits for what happens elsewhere is its caller's to say.
AT_ONCE: Final = {"wait": 0}


def examples_of(operation: APIOperation[Any, Any, Any, Any]) -> list[Request]:
    """Return the requests of an operation, the same ones each time."""
    found: list[Request] = []
    for mode, count in EXAMPLES:
        if mode is GenerationMode.NEGATIVE and not (operation.body or operation.query or operation.path_parameters):
            continue

        @settings(
            max_examples=count,
            derandomize=True,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(mode))
        def collect(case: Request) -> None:
            found.append(case)

        collect()
    return found


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory) -> list[Request]:
    """Give the requests of all operations."""
    app = create_app(app_settings(tmp_path_factory.mktemp("document")))
    config = schemathesis.Config()
    config.projects.get_default().generation.update(with_security_parameters=False)
    schema = schemathesis.openapi.from_dict(app.openapi(), config=config)
    operations = [one.ok() for one in schema.get_all_operations() if isinstance(one, Ok)]
    assert len(operations) == sum(len(methods) for methods in app.openapi()["paths"].values())
    return [case for one in operations for case in examples_of(one)]


WHO: Final = ("nobody", "customer", "workspace_viewer", "workspace_admin", "implementation_lead", "all")


@pytest.mark.parametrize("who", WHO)
def test_every_answer_is_as_the_document_says_and_shows_nobody_elses_data(
    examples: list[Request], who: str, tmp_path: Path, database_urls: DatabaseUrls, redis_url: str, broker_url: str
) -> None:
    given_settings = app_settings(
        tmp_path,
        database_url=database_urls.app,
        platform_database_url=database_urls.platform,
        redis_url=redis_url,
        broker_url=broker_url,
    )
    tenants = fill(database_urls.superuser, given_settings)
    app = create_app(given_settings)
    with AppClient(app) as client:
        headers = {}
        if who == "all":
            headers = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
        elif who != "nobody":
            here = tenants.here.tenant
            narrowed = here.client if who.startswith(("workspace", "customer")) else None
            headers = new_keyholder(app.state.database, BOOK, who, here.org, narrowed).headers
        wrong = [found for case in examples for found in _wrong(client, tenants, case, headers, who)]
    assert len(examples) > 200
    assert "\n".join(wrong) == ""


def _wrong(client: AppClient, tenants: Tenants, case: Request, headers: dict[str, str], who: str) -> Iterator[str]:
    """Ask about one's own things, another organization's, and as it was made up; say what was wrong."""
    asked_before: list[Request] = []
    for place in (tenants.here, tenants.elsewhere, None):
        about = _about(case, place)
        if any(_is_same(about, before) for before in asked_before):
            continue  # It names nothing that is anybody's.
        asked_before.append(about)
        answer = _ask(client, about, headers)
        asked = f"{who}: {answer.request.method} {answer.request.url}"
        try:
            case.validate_response(answer, checks=CHECKS)
        except FailureGroup as failures:
            yield from (f"{asked}: {failure.title}: {failure.message[:300]}" for failure in failures.exceptions)
        if "security" not in case.operation.definition.raw:
            continue  # What is for visitors of any page is for these as well.
        if who != "all" and ELSEWHERE in answer.text:
            yield f"{asked}: shows another organization's data"
        if who.startswith("workspace") and BESIDE in answer.text:
            yield f"{asked}: shows another client's data"


def _about(case: Request, place: Place | None) -> Request:
    asked = case.derive()
    if place is not None:
        asked.path_parameters |= _named(asked.path_parameters, place)
        asked.query |= _named(asked.query, place)
        if isinstance(asked.body, dict):
            asked.body |= _named(asked.body, place)
    if asked.operation.query.get("wait") is not None:
        asked.query |= AT_ONCE
    return asked


def _is_same(one: Request, other: Request) -> bool:
    parts = ("path_parameters", "query", "body")
    return all(getattr(one, part) == getattr(other, part) for part in parts)


def _ask(client: AppClient, asked: Request, headers: dict[str, str]) -> httpx.Response:
    arguments = asked.as_transport_kwargs(base_url="http://testserver", headers=headers)
    body: dict[str, Any] = {name: arguments[name] for name in ("data", "files", "json") if name in arguments}
    if isinstance(body.get("data"), str | bytes):
        body = {"content": body["data"]}
    answer = client.request(
        arguments["method"],
        arguments["url"],
        params=arguments["params"],
        headers=dict(arguments["headers"]),
        **body,
    )
    answer.elapsed = timedelta()  # How long it took is not asked here.
    return answer


def _named(names: Iterable[str], place: Place) -> dict[str, str]:
    """Return whose things these names mean, where they mean any."""
    whose = place.ids | {"client": place.ids["client_id"]}
    return {name: whose[name] for name in names if name in whose}
