"""What somebody writes stays what they wrote: it becomes no part of a query, of a page, or of a template."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import psycopg
import pytest

from api.app import create_app
from migrations.seeds import apply
from migrations.seeds.demo import BOT_ID, CLIENT_ID
from tests.support.app_client import AppClient
from tests.support.app_settings import ADMIN_TOKEN
from tests.support.whose import Tenants, fill

if TYPE_CHECKING:
    from fastapi import FastAPI

    from config.settings import Settings
    from tests.support.databases import DatabaseUrls

ROOT: Final = Path(__file__).parents[2]
OURS: Final = ("api", "cli", "domain", "jobs", "providers", "workers")
TEMPLATES: Final = sorted(path for package in OURS for path in (ROOT / package).rglob("*.html"))
ADMIN: Final = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
SQL: Final = (
    "' OR '1'='1",
    "x' OR 1=1 --",
    "'; DROP TABLE admin_audit_logs; --",
    "' UNION SELECT email FROM users --",
    "$$; SELECT 1; $$",
    "\\'; SELECT 1; --",
    "%s %(org_id)s :org_id {0}",
    "%",
    "_",
    "\\",
    "%' ESCAPE '",
    "a\x00b",
    "\ufeff\u202e\U0001f600",
)
HOSTILE: Final = """<script>alert(1)</script>"'><img src=x onerror=alert(1)>{{7*'7'}}{% raw %}${7*7}"""
NOTHING: Final = "zz-nobody-wrote-this"


def text_parameters(app: FastAPI) -> list[tuple[str, str, str]]:
    """Return each place of a GET that takes any text: the path, `query` or `path`, and the name."""
    return [
        (path, parameter["in"], parameter["name"])
        for path, methods in app.openapi()["paths"].items()
        for parameter in methods.get("get", {}).get("parameters", [])
        if parameter["in"] in {"query", "path"} and takes_any_text(parameter["schema"])
    ]


def takes_any_text(schema: dict[str, Any]) -> bool:
    one_of = schema.get("anyOf", [schema])
    return any(
        one.get("type") == "string" and not {"format", "enum", "const", "pattern"} & one.keys() for one in one_of
    )


@pytest.fixture
def tenants(settings: Settings, database_urls: DatabaseUrls) -> Tenants:
    return fill(database_urls.superuser, settings)


@pytest.mark.integration
def test_no_search_finds_more_breaks_or_changes_anything_by_what_is_searched_for(
    tenants: Tenants, settings: Settings, database_urls: DatabaseUrls
) -> None:
    app = create_app(settings)
    places = text_parameters(app)
    assert ("/api/v1/audit", "query", "actor") in places
    with psycopg.connect(database_urls.superuser, autocommit=True) as connection, AppClient(app) as client:
        before = contents(connection)
        for path, where, name in places:
            if "events" in path:
                continue  # Streams have no end; what they take is an id.
            of_none = found_by(client, tenants, path, where, name, NOTHING)
            for text in SQL:
                found = found_by(client, tenants, path, where, name, text)
                literally = any(sign in str(found) for sign in ("%", "_")) and text in {"%", "_"}
                assert found == of_none or found is None or literally, f"{path} {name} {text!r}: {found}"
        assert contents(connection) == before


def found_by(client: AppClient, tenants: Tenants, path: str, where: str, name: str, text: str) -> list[Any] | None:
    """Return what a list finds, None for an answer that is no list."""
    ids = tenants.here.ids
    filled = re.sub(
        r"{(\w+)}",
        lambda part: quote(text, safe="") if (where, part[1]) == ("path", name) else ids.get(part[1], NOTHING),
        path,
    )
    answer = client.get(filled, params={name: text} if where == "query" else None, headers=ADMIN)
    assert answer.status_code < 500, f"{path} {name} {text!r}: {answer.text}"
    document = answer.json() if answer.headers.get("content-type", "").startswith("application/json") else None
    return document["items"] if isinstance(document, dict) and "items" in document else None


def contents(connection: psycopg.Connection[Any]) -> dict[str, int]:
    """Count the rows of each table that asking does not write."""
    names = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
    return {
        name: (connection.execute(f'SELECT count(*) FROM "{name}"').fetchone() or (0,))[0]  # noqa: S608 - its own names
        for (name,) in names
        if name not in {"admin_audit_logs", "audit_heads"}
    }


@pytest.fixture
def hostile(settings: Settings, database_urls: DatabaseUrls) -> Iterator[AppClient]:
    """Give a house whose every name and text is an attack."""
    apply(database_urls.platform, "test")
    with psycopg.connect(database_urls.superuser, autocommit=True) as connection:
        for change in (
            "UPDATE organizations SET name = %s",
            "UPDATE clients SET name = %s",
            "UPDATE bots SET name = %s, greeting = %s",
        ):
            connection.execute(change.encode(), [HOSTILE] * change.count("%s"))
    with AppClient(create_app(settings)) as client:
        yield client


@pytest.mark.integration
@pytest.mark.parametrize(
    "path", ["/demo/chat", "/dashboard/journeys", "/sandbox", "/dashboard/sandbox/mail", "/sign-in"]
)
def test_pages_show_names_as_they_are_written(hostile: AppClient, path: str) -> None:
    written = {"text": HOSTILE, "idempotency_key": "01930000-0000-7000-8000-0000000000aa"}
    hostile.post(f"/api/widget/chat/{CLIENT_ID}/{BOT_ID}", json=written)
    answer = hostile.get(path, headers=ADMIN | {"Accept": "text/html"})
    assert answer.status_code == 200
    assert "<script>alert(1)" not in answer.text
    assert "<img src=x" not in answer.text
    assert "7777777" not in answer.text


@pytest.mark.integration
def test_what_was_searched_for_is_shown_and_not_run(hostile: AppClient) -> None:
    for path, name in (("/dashboard/journeys", "id"), ("/sign-in", "next")):
        page = hostile.get(path, params={name: "/" + HOSTILE}, headers=ADMIN | {"Accept": "text/html"}).text
        assert "<script>alert(1)" not in page
        assert "7777777" not in page
    page = hostile.get("/dashboard/journeys", params={"id": HOSTILE}, headers=ADMIN | {"Accept": "text/html"}).text
    assert escape("<script>alert(1)</script>") in page


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_no_template_turns_escaping_off(template: Path) -> None:
    source = template.read_text()
    assert not re.search(r"\|\s*safe\b|autoescape\s+false|{%-?\s*raw\b", source)
    # A value in a script or a handler would need escaping of another kind.
    assert not re.search(r"<script[^>]*>[^<]*{{|\son\w+\s*=", source)
    assert not re.search(r"\s[\w-]+={{", source), "an attribute without quotes"


def test_templates_are_never_made_from_what_is_not_a_file_of_ours() -> None:
    for path in (path for package in OURS for path in (ROOT / package).rglob("*.py")):
        source = path.read_text()
        # Of a text that stands in the code, whose places `format` escapes, and of nothing else.
        assert not re.search(r"""from_string\(|Markup\((?!["'])|render_template_string""", source), path
        if "Environment(" in source and "jinja2" in source:
            assert "autoescape=" in source, path
            assert "autoescape=False" not in source, path
