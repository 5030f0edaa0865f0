"""Ids of others where a path does not hold them: in bodies and in cursors, by people and machines of one tenant.

An id that is somebody else's has to be answered as one that nobody has. What paths and filters hold, the walk over all
routes tries (`tests/api/test_route_permissions.py`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import pytest

from api.access.declared import declared_routes
from api.app import create_app
from config.places import CONFIG
from domain.access.authorize import reach
from domain.access.roles.book import read_roles
from domain.kernel.ids import new_id
from tests.support.app_client import AppClient
from tests.support.app_settings import ADMIN_TOKEN
from tests.support.sampled_requests import sample
from tests.support.whose import BESIDE, ELSEWHERE, contents, fill, new_keyholder

if TYPE_CHECKING:
    import httpx
    from fastapi import FastAPI

    from config.settings import Settings
    from tests.support.databases import DatabaseUrls
    from tests.support.whose import Keyholder, Place, Tenants

pytestmark = pytest.mark.integration
BOOK: Final = read_roles(CONFIG)
PLATFORM: Final = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
NAMES: Final = {
    "org_id": "org_id",
    "tenant_id": "tenant_id",
    "client_id": "client_id",
    "reports_to": "user_id",
    "ids": "entry_id",
}
"""Fields of bodies that hold an id, by the name that a path has for it."""
OF_ONE_CLIENT: Final = ("workspace_admin",)
OF_ALL: Final = ("implementation_lead", "super_admin")
ENDING: Final = re.compile(r"{(\w+)}")
# What the smallest body would be refused for, before anything is looked up.
BODIES: Final[dict[str, dict[str, Any]]] = {
    "/api/v1/users": {"email": "new@example.com", "client_id": "{client_id}"},
    "/api/v1/users/{user_id}/memberships": {"client_id": "{client_id}"},
    "/api/v1/clients": {"name": "Another", "timezone": "UTC"},
    "/api/v1/webhook-endpoints": {"url": "https://hooks.example.com/", "events": ["lead.captured"]},
    "/api/v1/clients/{client_id}/knowledge/order": {"kind": "faq"},
}


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a route's body that holds an id; `within`: the names that lead to it, "[]" for a list."""

    method: str
    path: str
    permission: str
    body: Any
    within: tuple[str, ...]

    @property
    def name(self) -> str:
        """What the id is of."""
        return NAMES[[part for part in self.within if part != "[]"][-1]]

    def __str__(self) -> str:
        """Return where it stands, in words."""
        return f"{self.method} {self.path}: {'.'.join(self.within)}"


@dataclass(frozen=True, slots=True)
class House:
    """An application, its database, and whose rows are in it."""

    app: FastAPI
    client: AppClient
    tenants: Tenants
    database_url: str

    def holders(self) -> Iterator[Keyholder]:
        """Return machines of the first organization: of one client, and of all."""
        here = self.tenants.here.tenant
        for role in OF_ONE_CLIENT:
            yield new_keyholder(self.app.state.database, BOOK, role, here.org, here.client)
        for role in OF_ALL:
            yield new_keyholder(self.app.state.database, BOOK, role, here.org)

    def send(self, field: Field, value: str, headers: dict[str, str]) -> httpx.Response:
        """Ask about one's own things, with this id in the field."""
        here = self.tenants.here.ids
        path = ENDING.sub(lambda found: here[found[1]], field.path)
        own = {name: here["client_id"] if one == "{client_id}" else one for name, one in field.body.items()}
        return self.client.request(field.method, path, json=_with(own, field.within, value), headers=headers)


@pytest.fixture
def house(settings: Settings, database_urls: DatabaseUrls) -> Iterator[House]:
    """Give the application with the rows of two organizations."""
    tenants = fill(database_urls.superuser, settings)
    app = create_app(settings)
    with AppClient(app) as client:
        yield House(app, client, tenants, database_urls.superuser)


def test_every_id_in_a_body_is_known_here(house: House) -> None:
    fields = list(_fields(house.app))
    assert {field.path for field in fields} >= {"/api/v1/users", "/api/v1/api-keys", "/api/v1/view-as"}
    assert {part for field in fields for part in field.within[-2:]} - {"[]", "filter", "targets"} <= NAMES.keys()


def test_somebody_elses_id_in_a_body_is_as_good_as_nobodys_and_changes_nothing(house: House) -> None:
    holders = list(house.holders())
    before = contents(house.database_url, but={"api_keys"})
    wrong = [line for holder in holders for line in _wrong(house, holder)]
    assert "\n".join(wrong) == ""
    assert contents(house.database_url, but={"api_keys"}) == before


def test_ones_own_id_in_a_body_is_taken(house: House) -> None:
    """Else what is refused above might be refused for another reason."""
    taken, asked = set(), set()
    for holder in house.holders():
        for field in _fields(house.app):
            if _may(holder, field):
                asked.add(str(field))
                answer = house.send(field, house.tenants.here.ids[field.name], holder.headers)
                if answer.status_code < 400:
                    taken.add(str(field))
    assert len(asked) > 8
    # There they would report to themselves.
    assert asked - taken == {"POST /api/v1/users/{user_id}/memberships: reports_to"}


def test_a_cursor_of_somebody_elses_list_opens_nothing_of_it(house: House) -> None:
    holders = list(house.holders())
    tried = 0
    wrong: list[str] = []
    for path in _paged(house.app):
        for place in (house.tenants.elsewhere, house.tenants.beside):
            for name, value in _cursors(house, path, place):
                for holder in holders:
                    tried += 1
                    wrong += _shown_after(house, path, (name, value), holder)
    assert tried > 30
    assert wrong == []


def _wrong(house: House, holder: Keyholder) -> Iterator[str]:
    here, beside, elsewhere = house.tenants.here, house.tenants.beside, house.tenants.elsewhere
    is_of_one = holder.principal.grants[0].client_id is not None
    for field in _fields(house.app):
        nobodys = house.send(field, str(new_id()), holder.headers)
        for place in (elsewhere, *([beside] if is_of_one else [])):
            value = place.ids[field.name]
            if value == here.ids[field.name]:
                continue
            answer = house.send(field, value, holder.headers)
            said, of_nobody = (_without_ids(one) for one in (answer, nobodys))
            if answer.status_code not in {403, 404, 409, 422} or said != of_nobody:
                yield f"{holder.principal.name}: {field}: {said} and for nobody's {of_nobody}"


def _without_ids(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "<id>", answer.text)


def _may(holder: Keyholder, field: Field) -> bool:
    return reach(BOOK, holder.principal, field.permission, holder.principal.org_id) is not None


def _fields(app: FastAPI) -> Iterator[Field]:
    document = app.openapi()
    for route in declared_routes(app):
        for method in sorted(route.methods & {"POST", "PUT", "PATCH", "DELETE"}):
            operation = document["paths"].get(route.path, {}).get(method.lower(), {})
            schema = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
            if schema is None or not route.permissions:
                continue
            body = sample(document, operation).json | BODIES.get(route.path, {})
            for within in dict.fromkeys(_ids(document, schema, ())):
                yield Field(method, route.path, route.permissions[0], body, within)


def _ids(document: dict[str, Any], schema: dict[str, Any], within: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Return the places of ids in what fits a schema."""
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    if schema.get("format") == "uuid":
        yield within
    for several in ("anyOf", "oneOf", "allOf"):
        for one in schema.get(several, ()):
            yield from _ids(document, one, within)
    for name, one in schema.get("properties", {}).items():
        yield from _ids(document, one, (*within, name))
    if "items" in schema:
        yield from _ids(document, schema["items"], (*within, "[]"))


def _with(body: Any, within: tuple[str, ...], value: str) -> Any:  # noqa: ANN401 - any JSON
    """Return a body with a value in a place."""
    if not within:
        return value
    first, rest = within[0], within[1:]
    if first == "[]":
        return [_with({}, rest, value)]
    whole = deepcopy(body) if isinstance(body, dict) else {}
    whole[first] = _with(whole.get(first), rest, value)
    return whole


def _paged(app: FastAPI) -> Iterator[str]:
    for path, operations in app.openapi()["paths"].items():
        if path.startswith("/api/v1/") and _cursor_name(operations.get("get", {})):
            yield path


def _cursor_name(operation: dict[str, Any]) -> str | None:
    names = {one["name"] for one in operation.get("parameters", ()) if one["in"] == "query"}
    return next((name for name in ("after", "before") if name in names), None)


def _asked(house: House, path: str, place: Place) -> tuple[str, dict[str, str]]:
    """Return the path and the query that a list of a place takes."""
    operation = house.app.openapi()["paths"][path]["get"]
    names = {one["name"] for one in operation["parameters"] if one["in"] == "query" and one.get("required")}
    query = dict.fromkeys(names & {"client", "client_id"}, place.ids["client_id"])
    # A path of an audit entry is none of a list.
    return ENDING.sub(lambda found: place.ids[found[1]], path), query


def _cursors(house: House, path: str, place: Place) -> Iterator[tuple[str, str]]:
    """Return what the platform gets to page on with, in a list of all or of the place."""
    name = _cursor_name(house.app.openapi()["paths"][path]["get"])
    asked, query = _asked(house, path, place)
    following: str | None = None
    for _ in range(6):
        more = {} if following is None else {name or "": following}
        answer = house.client.get(asked, params=query | more | {"limit": "1"}, headers=PLATFORM)
        following = answer.json().get("next")
        if name is None or following is None:
            return
        yield name, following


def _shown_after(house: House, path: str, cursor: tuple[str, str], holder: Keyholder) -> Iterator[str]:
    asked, query = _asked(house, path, house.tenants.here)
    answer = house.client.get(asked, params=query | dict([cursor]), headers=holder.headers)
    hidden = {ELSEWHERE} if holder.principal.grants[0].client_id is None else {ELSEWHERE, BESIDE}
    if answer.status_code not in {200, 403} or any(text in answer.text for text in hidden):
        yield f"{holder.principal.name}: {path} after {cursor[1]}: {answer.status_code}"
