"""What others wrote is kept as they published it, with its licence, and holds every icon that is drawn."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest

from api.dashboard.files import ASSETS
from api.dashboard.icons import UNKNOWN, icon_href, known_icons
from tests.support.servers import ROOT

VENDOR = ASSETS / "vendor"
DIRECTORIES = [VENDOR, ROOT / "tests/browser/vendor"]
DRAWN = re.compile(r'icon(?:_href)?\(\s*"([a-z0-9-]+)"')
NAMED = re.compile(r'"icon": "([a-z0-9-]+)"')


def manifest(directory: Path) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((directory / "versions.json").read_text())
    return read


@pytest.mark.parametrize("directory", DIRECTORIES, ids=["pages", "tests"])
def test_files_of_others_are_as_they_were_published(directory: Path) -> None:
    hashes = {
        str(path.relative_to(directory)): "sha512-"
        + base64.b64encode(hashlib.sha512(path.read_bytes()).digest()).decode()
        for path in directory.rglob("*")
        if path.is_file() and path.name != "versions.json"
    }
    assert hashes == manifest(directory)["hashes"]


@pytest.mark.parametrize("directory", DIRECTORIES, ids=["pages", "tests"])
def test_each_package_names_its_version_and_keeps_its_licence(directory: Path) -> None:
    packages = manifest(directory)["packages"]
    assert packages
    for package in packages:
        assert package["integrity"].startswith("sha512-")
        assert re.fullmatch(r"\d+\.\d+\.\d+", package["version"])
        assert package["license"] in {"MIT", "0BSD", "MPL-2.0"}
        assert (directory / package["folder"] / "LICENSE").read_text().strip()


def test_every_icon_that_pages_and_roles_name_is_there() -> None:
    templates = (ASSETS.parent / "templates").glob("*.html")
    drawn = {name for template in templates for name in DRAWN.findall(template.read_text())}
    named = {name for role in (ROOT / "config/roles").glob("*.json") for name in NAMED.findall(role.read_text())}
    assert drawn
    assert named
    assert (drawn | named) - known_icons() == set()


def test_an_icon_that_nobody_drew_is_a_point() -> None:
    assert UNKNOWN in known_icons()
    assert icon_href("no-such-icon").endswith(f"#tabler-{UNKNOWN}")


def test_no_style_or_script_of_the_pages_loads_anything_from_elsewhere() -> None:
    loads = re.compile(r"""(?:url\(|@import|import\s*\(?|from)\s*["']?(?:https?:)?//""")
    files = [path for path in ASSETS.rglob("*") if path.suffix in {".css", ".js"}]
    assert [path.name for path in files if loads.search(path.read_text())] == []
