"""The page on roles shows what the files say, and its examples are right."""

from __future__ import annotations

import json
import re
from pathlib import Path

from config.places import CONFIG
from domain.access.roles.book import read_roles
from domain.access.roles.documents import OverrideDocument
from domain.access.roles.matrix import markdown_table
from domain.access.roles.narrow import check

PAGE = (Path(__file__).parents[2] / "docs" / "roles.md").read_text()
ROLES = read_roles(CONFIG)


def test_the_table_is_what_the_files_say() -> None:
    _, table, _ = re.split(r"<!-- (?:matrix|end of the matrix) -->\n", PAGE)
    assert table.strip() == markdown_table(ROLES), "gatehouse roles export --markdown prints it"


def test_the_first_example_is_a_role(tmp_path: Path) -> None:
    example = _example(0)
    (tmp_path / f"{example['role']}.v{example['version']}.json").write_text(json.dumps(example))
    role = read_roles(CONFIG, tmp_path).roles[str(example["role"])]
    assert role.scopes["conversations.reply"] == "client"


def test_the_second_example_is_an_override() -> None:
    document = OverrideDocument.model_validate(_example(1))
    assert check(ROLES.roles["workspace_admin"], ROLES.permissions, document) == []


def test_every_data_source_is_explained() -> None:
    sources = {source for role in [*ROLES.roles.values(), *ROLES.abstract.values()] for source in role.caching}
    assert {source for source in sources if f"| `{source}` |" not in PAGE} == set()


def _example(number: int) -> dict[str, object]:
    found: dict[str, object] = json.loads(re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)[number])
    return found
