"""Each alarm has a page, and the pages name no command that does not exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from cli.main import app
from domain.notices.raising import NoticeKind

DOCS = Path(__file__).parents[2] / "docs"
RUNBOOKS = DOCS / "runbooks"
_COMMAND = re.compile(r"(?:^|`)gatehouse ([a-z][^`\n]*)", re.MULTILINE)
_LINK = re.compile(r"\]\((?!https?://)([^)#]+)")
PAGES = sorted(path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md"))


@pytest.mark.parametrize("kind", NoticeKind)
def test_each_notice_has_a_page(kind: NoticeKind) -> None:
    page = (RUNBOOKS / f"{kind.value}.md").read_text()
    assert "**What happened.**" in page
    assert "**What to do.**" in page
    assert f"({kind.value}.md)" in (RUNBOOKS / "README.md").read_text()


@pytest.mark.parametrize("page", PAGES)
def test_pages_name_commands_and_options_that_exist(page: str) -> None:
    unknown = [command for command in _COMMAND.findall((DOCS / page).read_text()) if not _exists(command)]
    assert not unknown


@pytest.mark.parametrize("page", PAGES)
def test_links_between_pages_lead_somewhere(page: str) -> None:
    path = DOCS / page
    assert not [link for link in _LINK.findall(path.read_text()) if not (path.parent / link).exists()]


def _exists(line: str) -> bool:
    command: TyperGroup | TyperCommand | object = get_command(app)
    words = line.split()
    while isinstance(command, TyperGroup) and words and not words[0].startswith("-"):
        if words[0] == "…":
            return True  # any of its commands
        command = command.commands.get(words.pop(0))
    if not isinstance(command, TyperCommand | TyperGroup):
        return False
    known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
    return all(word.partition("=")[0] in known for word in words if word.startswith("--"))
