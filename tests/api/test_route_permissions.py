"""Every route, asked by every role about its own, another client's and another organization's things.

What must come of it follows from the table of permissions alone: no route is listed here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

import pytest
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from api.access.admin_token import HOLDER as SUPER_ADMIN
from api.access.declared import declared_routes
from api.app import create_app
from config.places import CONFIG
from domain.access.authorize import Reach, Scope, reach
from domain.access.roles.book import read_roles
from tests.api.conftest import ADMIN_TOKEN
from tests.support.app_client import AppClient
from tests.support.app_settings import app_settings
from tests.support.sampled_requests import Sampled, sample
from tests.support.whose import BESIDE, ELSEWHERE, OF_A_ROW, OF_NOBODY, OF_THE_TENANT, Keyholder, contents, fill
from tests.support.whose import new_keyholder as make_keyholder

if TYPE_CHECKING:
    import httpx
    from fastapi import FastAPI

    from config.settings import Settings
    from tests.support.databases import Databases, DatabaseUrls
    from tests.support.whose import Place, Tenants

pytestmark = pytest.mark.integration
BOOK: Final = read_roles(CONFIG)
ROLES: Final = sorted(BOOK.scopes)
ADMIN: Final = Keyholder(SUPER_ADMIN, ADMIN_TOKEN)
# Where a name of a path's parameter means another thing than elsewhere.
ANOTHER_NAME: Final = {
    (path, "entry_id"): "audit_entry_id" for path in ("/api/v1/audit/{entry_id}", "/dashboard/audit/{entry_id}")
}
PARAMETER: Final = re.compile(r"{(\w+)}")
OF_A_FILTER: Final = {"client": "client_id", "client_id": "client_id", "org_id": "org_id", "tenant_id": "tenant_id"}
# Where the smallest request that the schema allows is refused for what it says before anything is looked up.
QUERIES: Final[dict[str, dict[str, Any]]] = {"/api/v1/clients/{client_id}/notifications/test": {"wait": 0}}
BODIES: Final[dict[tuple[str, str], Any]] = {
    ("POST", "/api/v1/webhook-endpoints/{endpoint_id}/replay"): {
        "from": "2026-01-01T00:00:00Z",
        "to": "2026-01-02T00:00:00Z",
    },
}


@dataclass(frozen=True, slots=True)
class Question:
    """A route that takes permissions, and the request that it gets."""

    method: str
    path: str
    permissions: tuple[str, ...]
    sampled: Sampled
    filters: tuple[str, ...]
    """What it can be narrowed by that is somebody's."""

    @property
    def parameters(self) -> list[str]:
        """The names of what the path takes."""
        return PARAMETER.findall(self.path)

    @property
    def tenants_parameters(self) -> list[str]:
        """Those that are a tenant's, or a row's of one."""
        return [name for name in self.parameters if name in OF_THE_TENANT or name in OF_A_ROW]

    def about(self, ids: dict[str, str]) -> tuple[str, dict[str, Any]]:
        """Return the path and the query that ask about these."""
        path = PARAMETER.sub(lambda found: ids[ANOTHER_NAME.get((self.path, found[1]), found[1])], self.path)
        return path, {name: ids.get(OF_A_FILTER.get(name, name), value) for name, value in self.sampled.query.items()}

    def reach(self, holder: Keyholder, place: Place) -> Reach | None:
        """Return how far its permissions go for somebody, None where one is missing."""
        found = [reach(BOOK, holder.principal, name, place.tenant.org) for name in self.permissions]
        return None if None in found else found[0]

    @property
    def is_tenants(self) -> bool:
        """Whether a tenant may have its permissions."""
        return all(BOOK.permissions[name].scopes - {Scope.PLATFORM} for name in self.permissions)


@dataclass(frozen=True, slots=True)
class Case:
    """What is asked about, by whom, and what must come of it; `expected` None: anything but a refusal."""

    question: Question
    what: str
    ids: dict[str, str]
    headers: dict[str, str]
    hidden: set[str]
    query: dict[str, str] = field(default_factory=dict)
    expected: set[int] | None = None


@dataclass(frozen=True, slots=True)
class House:
    """An application, its database, and whose rows are in it."""

    app: FastAPI
    client: AppClient
    questions: list[Question]
    tenants: Tenants
    database_url: str

    def ask(
        self, question: Question, ids: dict[str, str], headers: dict[str, str], query: dict[str, str] | None = None
    ) -> httpx.Response:
        """Send the request about these."""
        path, demanded = question.about(ids)
        return self.client.request(
            question.method,
            path,
            params=demanded | (query or {}),
            json=question.sampled.json,
            data=question.sampled.form,
            headers=headers,
        )

    def contents(self) -> dict[str, str | None]:
        """Return a fingerprint of each table but those that say who came."""
        return contents(self.database_url, but={"admin_audit_logs", "audit_heads", "api_keys"})


@pytest.fixture(scope="module")
def filled(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[DatabaseUrls, Tenants]]:
    """Give a database with the rows of two organizations, for each test to copy."""
    with databases.migrated() as urls:
        yield urls, fill(urls.superuser, app_settings(tmp_path_factory.mktemp("filled")))


@pytest.fixture
def database_urls(databases: Databases, filled: tuple[DatabaseUrls, Tenants]) -> Iterator[DatabaseUrls]:
    """Give a copy of that."""
    with databases.copied(filled[0]) as urls:
        yield urls


@pytest.fixture(scope="module")
def questions(tmp_path_factory: pytest.TempPathFactory) -> list[Question]:
    """Give a request for every route that takes a permission, those first that only look."""
    app = create_app(app_settings(tmp_path_factory.mktemp("questions")))
    document = _document(app)
    found = [
        Question(method, route.path, route.permissions, *_sampled(document, method, route.path))
        for route in declared_routes(app)
        for method in sorted(route.methods - {"HEAD", "OPTIONS"})
        if route.permissions
    ]
    return sorted(found, key=lambda question: question.method != "GET")


@pytest.fixture
def house(
    settings: Settings,
    database_urls: DatabaseUrls,
    filled: tuple[DatabaseUrls, Tenants],
    questions: list[Question],
) -> Iterator[House]:
    """Give the application with the rows of two organizations."""
    app = create_app(settings)
    with AppClient(app) as client:
        yield House(app, client, questions, filled[1], database_urls.superuser)


def test_every_parameter_of_a_path_is_known_here(questions: list[Question]) -> None:
    known = OF_THE_TENANT.keys() | OF_A_ROW.keys() | OF_NOBODY.keys()
    assert {name for question in questions for name in question.parameters} - known == set()


@pytest.mark.parametrize("role", ROLES)
def test_a_role_reaches_what_the_table_says_and_nothing_else(house: House, role: str) -> None:
    here, database = house.tenants.here, house.app.state.database
    of_all = make_keyholder(database, BOOK, role, here.tenant.org)
    of_one = make_keyholder(database, BOOK, role, here.tenant.org, here.tenant.client)
    assert _walk(house, of_all, of_one) == ""


def test_the_platforms_own_people_reach_everything_but_in_one_organization_that_alone(house: House) -> None:
    assert _walk(house, ADMIN) == ""


def test_nobody_reaches_anything_without_credentials(house: House) -> None:
    here = dict(house.tenants.here.ids)
    answers = {f"{one.method} {one.path}": house.ask(one, here, {}).status_code for one in house.questions}
    assert answers
    assert {route: status for route, status in answers.items() if status != 401} == {}


@pytest.mark.parametrize(
    "role", [name for name in ROLES if not any(BOOK.permissions[p].changes for p in BOOK.scopes[name])]
)
def test_a_role_that_may_only_look_changes_nothing(house: House, role: str) -> None:
    here = house.tenants.here
    holder = make_keyholder(house.app.state.database, BOOK, role, here.tenant.org)
    before = house.contents()
    for question in house.questions:
        status = house.ask(question, dict(here.ids), holder.headers).status_code
        assert question.method == "GET" or status == 403, question
    assert house.contents() == before


def _walk(house: House, *holders: Keyholder) -> str:
    """Ask all routes, about others' things first: that must not change them. Return what was wrong, a line each."""
    cases = [case for holder in holders for one in house.questions for case in _cases(house, one, holder)]
    cases.sort(key=lambda case: (case.expected is None, case.question.method != "GET"))
    return "\n".join(line for case in cases for line in _wrong(house, case))


def _wrong(house: House, case: Case) -> Iterator[str]:
    answer = house.ask(case.question, case.ids, case.headers, case.query)
    asked = f"{case.question.method} {case.question.path}: {case.what}"
    if answer.status_code >= 500 or not _is_right(answer, case):
        yield f"{asked}: {answer.status_code} {answer.text[:300]}"
    for hidden in case.hidden:
        if hidden in answer.text:
            yield f"{asked}: shows {hidden}"


def _is_right(answer: httpx.Response, case: Case) -> bool:
    if case.expected is not None:
        return answer.status_code in case.expected
    if answer.status_code == 403:  # To give somebody more than one has oneself is refused, but not by the table.
        return bool(answer.json()["type"] != "urn:gatehouse:problem:permission")
    if case.question.method == "GET" and case.question.is_tenants:
        return answer.status_code < 400
    return answer.status_code != 401


def _cases(house: House, question: Question, holder: Keyholder) -> Iterator[Case]:
    here, beside, elsewhere = house.tenants.here, house.tenants.beside, house.tenants.elsewhere
    within = question.reach(holder, here)
    named = holder.headers | {"X-Org-Id": str(here.tenant.org)}
    hidden = {ELSEWHERE} if all(grant.client_id is None for grant in holder.principal.grants) else {ELSEWHERE, BESIDE}
    own = Case(question, "its own", here.ids, holder.headers, hidden if holder is not ADMIN else set())
    if holder is not ADMIN:
        foreign = {"X-Org-Id": str(elsewhere.tenant.org)}
        yield replace(own, what="an organization named", headers=holder.headers | foreign, expected={403})
    if within is None:
        asked = []
        for what, place in (("its own", here), ("a client's", beside), ("an organization's", elsewhere)):
            if (about := question.about(place.ids)) not in asked:  # Where it names nothing of anybody's, it is one.
                asked.append(about)
                yield replace(own, what=what, ids=place.ids, expected={403})
        return
    if question.is_tenants:
        here_alone = replace(own, headers=named, hidden=hidden)
        for written in question.tenants_parameters:
            name = ANOTHER_NAME.get((question.path, written), written)
            ids = here.ids | {name: elsewhere.ids[name]}
            yield replace(here_alone, what=f"an organization's {name}", ids=ids, expected={404})
            if within.clients is not None and name not in {"org_id", "tenant_id"}:
                ids = here.ids | {name: beside.ids[name]}
                yield replace(own, what=f"a client's {name}", ids=ids, expected={404})
        for name in question.filters:
            for what, place in (("a client's", beside), ("an organization's", elsewhere)):
                query = {name: place.ids[OF_A_FILTER[name]]}
                found = {200, 403, 404} if place is elsewhere or within.clients is not None else {200}
                yield replace(here_alone, what=f"{what} {name}", query=query, expected=found)
    yield own


def _document(app: FastAPI) -> dict[str, Any]:
    """Return the description of all routes, also of the pages that the OpenAPI document leaves out."""
    routes = [copy(route) for route in app.routes if isinstance(route, APIRoute)]
    for route in routes:
        route.include_in_schema = True
    return get_openapi(title="All routes", version="0", routes=routes)


def _sampled(document: dict[str, Any], method: str, path: str) -> tuple[Sampled, tuple[str, ...]]:
    operation = document["paths"][path][method.lower()]
    sampled = sample(document, operation)
    names = {one["name"] for one in operation.get("parameters", ()) if one["in"] == "query"}
    filters = tuple(sorted(names & OF_A_FILTER.keys()))
    return replace(
        sampled, query=sampled.query | QUERIES.get(path, {}), json=BODIES.get((method, path), sampled.json)
    ), filters
