"""What replies are grounded in, on the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from migrations.seeds import apply
from migrations.seeds.demo import CLIENT_ID

if TYPE_CHECKING:
    from tests.cli.conftest import Environment, Run
    from tests.support.databases import DatabaseUrls

pytestmark = pytest.mark.integration
CLIENT = str(CLIENT_ID)


@pytest.fixture
def knowledge(gatehouse: Run, environment: Environment, database_urls: DatabaseUrls) -> Run:
    apply(database_urls.platform, "demo")
    return lambda verb, *arguments: gatehouse("knowledge", verb, CLIENT, *arguments, settings=environment)


def _entries(knowledge: Run) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(knowledge("list", "--json").out)
    return found


def test_an_entry_is_added_changed_and_removed(knowledge: Run) -> None:
    added = knowledge("add", "faq", "--title", "Do you fix zeppelins?", "--body", "Yes.", "--price", "$5")
    entry_id = added.out.removeprefix("Added: ").strip()
    assert knowledge("change", entry_id, "--body", "No.", "--price", "", "--disable").status == 0
    (entry,) = [one for one in _entries(knowledge) if one["id"] == entry_id]
    assert (entry["body"], entry["price"], entry["enabled"]) == ("No.", None, False)
    assert "Say what to change" in knowledge("change", entry_id).err
    assert knowledge("remove", entry_id, "--yes").out == "Removed.\n"
    assert entry_id not in {one["id"] for one in _entries(knowledge)}


def test_an_entry_is_there_once_so_that_a_document_can_say_which_is_meant(knowledge: Run, tmp_path: Path) -> None:
    first, second = _entries(knowledge)[:2]
    assert first["kind"] == second["kind"]
    refused = knowledge("add", first["kind"], "--title", first["title"].upper(), "--body", "Yes.")
    assert (refused.status, "of this title" in refused.err) == (1, True)
    assert knowledge("change", second["id"], "--title", first["title"]).status == 1
    assert knowledge("change", first["id"], "--title", first["title"].upper()).status == 0
    file = tmp_path / "knowledge.yaml"
    file.write_text(knowledge("export").out)
    assert knowledge("import", str(file), "--dry-run").status == 0


@pytest.mark.parametrize("form", ["yaml", "json"])
def test_a_document_comes_back_as_it_was(knowledge: Run, tmp_path: Path, form: str) -> None:
    before = _entries(knowledge)
    file = tmp_path / "knowledge"
    file.write_text(knowledge("export", "--format", form).out)
    ended = knowledge("import", str(file), "--replace", "--yes")
    assert ended.out == f"0 added, 0 changed, 0 removed, {len(before)} the same.\n"
    assert _entries(knowledge) == before


def test_an_import_shows_what_it_would_change_before_it_does(knowledge: Run, tmp_path: Path) -> None:
    document = yaml.safe_load(knowledge("export").out)
    gone = document["entries"].pop()
    document["entries"][0]["body"] = "Something else."
    document["entries"].append({"kind": "faq", "title": "New?", "body": "Yes."})
    file = tmp_path / "knowledge.yaml"
    file.write_text(yaml.safe_dump(document))
    before = _entries(knowledge)
    shown = knowledge("import", str(file), "--replace", "--dry-run").out.splitlines()
    first = document["entries"][0]
    assert shown[:3] == [
        "+ faq: New?",
        f"~ {first['kind']}: {first['title']} (body)",
        f"- {gone['kind']}: {gone['title']}",
    ]
    assert _entries(knowledge) == before
    assert knowledge("import", str(file), "--yes").out.endswith("Done.\n")
    titles = {one["title"] for one in _entries(knowledge)}
    assert {"New?", gone["title"]} <= titles
    knowledge("import", str(file), "--replace", "--yes")
    assert gone["title"] not in {one["title"] for one in _entries(knowledge)}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "neither YAML nor JSON"),
        ("[]", 'has to hold "entries"'),
        ("entries: [{kind: faq, title: 5, body: a}]", "Entry 1: title has to be a text"),
        ("entries: [{kind: faq, title: a, body: b, colour: red}]", "no field colour"),
        ("entries: [{kind: rumour, title: a, body: b}]", "no kind 'rumour'"),
        ("entries: [{kind: faq, title: a, body: b}, {kind: faq, title: A, body: c}]", "Entry 2"),
        ("entries: [&a [*a]]", "Entry 1 has to be an object"),
    ],
)
def test_a_document_that_is_wrong_changes_nothing(knowledge: Run, tmp_path: Path, text: str, words: str) -> None:
    file = tmp_path / "knowledge.yaml"
    file.write_text(text)
    before = _entries(knowledge)
    ended = knowledge("import", str(file), "--yes")
    assert (ended.status, words in ended.err) == (1, True), ended.err
    assert _entries(knowledge) == before
