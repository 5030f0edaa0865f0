"""Makes the directories of files that others wrote anew from their npm packages: `python scripts/vendor_assets.py`.

`versions.json` in each directory says which packages, at which version, with which integrity, and which of their files;
this downloads them with `npm pack`, refuses what does not match, draws the icons into one sprite, and writes down the
hash of every file. To take a new version, change `version` and `integrity` (`npm view NAME@VERSION dist.integrity`).
To take another icon, add its name to `icons`. npm is needed here alone, never to install or to run Gatehouse.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parents[1]
DIRECTORIES: Final = (ROOT / "api/dashboard/assets/vendor", ROOT / "tests/browser/vendor")
ICONS: Final = "@tabler/icons"
_DRAWING: Final = re.compile(r"<svg[^>]*>(.*)</svg>", re.DOTALL)
_OUTLINE: Final = 'fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round"'
_FILLED: Final = 'fill="currentColor"'
_KEPT: Final = {"versions.json", "README.md"}


def sri(content: bytes) -> str:
    """Return the hash of a file as npm and browsers write it."""
    return "sha512-" + base64.b64encode(hashlib.sha512(content).digest()).decode()


def download(name: str, version: str, integrity: str) -> dict[str, bytes]:
    """Return the files of a package by their paths in it. Raises SystemExit when it is not the one that was meant."""
    with tempfile.TemporaryDirectory() as directory:
        packed = subprocess.run(  # noqa: S603 - what versions.json names
            ["npm", "pack", "--silent", f"{name}@{version}"],  # noqa: S607 - wherever npm is
            cwd=directory,
            check=True,
            capture_output=True,
            text=True,
        )
        archive = (Path(directory) / packed.stdout.split()[-1]).read_bytes()
    if sri(archive) != integrity:
        raise SystemExit(f"{name}@{version} has the integrity {sri(archive)}, and versions.json says {integrity}.")
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        members = [member for member in tar.getmembers() if member.isfile()]
        return {
            member.name.partition("/")[2]: found.read()
            for member in members
            if (found := tar.extractfile(member)) is not None
        }


def sprite(files: dict[str, bytes], names: list[str]) -> bytes:
    """Return one drawing with a symbol for each icon, `tabler-<name>`; outlines unless the name ends in `-filled`."""
    symbols = []
    for name in sorted(names):
        filled, plain = name.endswith("-filled"), name.removesuffix("-filled")
        drawing = _DRAWING.search(files[f"icons/{'filled' if filled else 'outline'}/{plain}.svg"].decode())
        if drawing is None:
            raise SystemExit(f"There is no drawing in the icon {name}.")
        inner = re.sub(r"\s*\n\s*", "", drawing[1]).strip()
        symbols.append(
            f'<symbol id="tabler-{name}" viewBox="0 0 24 24" {_FILLED if filled else _OUTLINE}>{inner}</symbol>'
        )
    head = '<!-- Tabler Icons, MIT; see LICENSE --><svg xmlns="http://www.w3.org/2000/svg">'
    return (head + "\n" + "\n".join(symbols) + "\n</svg>\n").encode()


def renew(directory: Path) -> None:
    """Make the files of one directory anew."""
    manifest: dict[str, Any] = json.loads((directory / "versions.json").read_text())
    made: dict[str, bytes] = {}
    for package in manifest["packages"]:
        files = download(package["name"], package["version"], package["integrity"])
        for path, target in package["files"].items():
            made[f"{package['folder']}/{target}"] = files[path]
        for target, words in package.get("added", {}).items():
            made[f"{package['folder']}/{target}"] = ("\n".join(words) + "\n").encode()
        if package["name"] == ICONS:
            made[f"{package['folder']}/icons.svg"] = sprite(files, manifest["icons"])
    for path, content in made.items():
        (directory / path).parent.mkdir(parents=True, exist_ok=True)
        (directory / path).write_bytes(content)
    for old in directory.rglob("*"):
        relative = str(old.relative_to(directory))
        if old.is_file() and relative not in made and relative not in _KEPT:
            old.unlink()
    manifest["hashes"] = {path: sri(content) for path, content in sorted(made.items())}
    (directory / "versions.json").write_text(json.dumps(manifest, indent=2, ensure_ascii=False) + "\n")


def main() -> None:
    """Make all of them anew, or the directories that are named."""
    for directory in map(Path, sys.argv[1:]) if sys.argv[1:] else DIRECTORIES:
        renew(directory)
        sys.stdout.write(f"{directory} is as its versions.json says.\n")


if __name__ == "__main__":
    main()
