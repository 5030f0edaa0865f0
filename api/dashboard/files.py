"""Styles, scripts and pictures of the pages: packed for the way, and kept by browsers for as long as they don't change.

A page names each with a mark of its content (`asset("shell.js")` in templates), so a browser need never ask again.
"""

from __future__ import annotations

import gzip
import hashlib
import os
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.staticfiles import StaticFiles

if TYPE_CHECKING:
    from starlette.types import Scope

ASSETS: Final = Path(__file__).parent / "assets"
_FOR_GOOD: Final = "public, max-age=31536000, immutable"
_ASK_AGAIN: Final = "no-cache"
_PACKED: Final = (".css", ".js", ".svg")
_WORTH_IT: Final = 1024
"""Smaller ones fit into one packet as they are."""
_MARK_LENGTH: Final = 16


class Assets(StaticFiles):
    """Serves the files; one that is asked for by the mark of its content may be kept for good."""

    def __init__(self) -> None:
        super().__init__(directory=ASSETS)

    def file_response(
        self, full_path: str | os.PathLike[str], stat_result: os.stat_result, scope: Scope, status_code: int = 200
    ) -> Response:
        """Return a file, packed for who can unpack it."""
        path, headers = Path(full_path), Headers(scope=scope)
        response = super().file_response(full_path, stat_result, scope, status_code)
        packs = path.suffix in _PACKED and stat_result.st_size > _WORTH_IT
        if packs and response.status_code == status_code and "gzip" in headers.get("accept-encoding", ""):
            kept = {name: value for name, value in response.headers.items() if name != "content-length"}
            content = _packed(path, stat_result.st_mtime_ns)
            response = Response(content, status_code, headers=kept | {"content-encoding": "gzip"})
        mark = parse_qs(scope["query_string"].decode("latin-1")).get("v", [""])[0]
        known = mark != "" and mark == mark_of(path, stat_result.st_mtime_ns)
        response.headers["cache-control"] = _FOR_GOOD if known else _ASK_AGAIN
        if packs:
            response.headers["vary"] = "accept-encoding"
        return response


def asset(path: str) -> str:
    """Return the address of a file of ours, with the mark of its content. Raises OSError when there is none."""
    file = ASSETS / path
    return f"/assets/{path}?v={mark_of(file, file.stat().st_mtime_ns)}"


@lru_cache(maxsize=256)
def mark_of(path: Path, changed: int) -> str:  # noqa: ARG001 - a file that was changed is read again
    """Return what tells this content of a file from any other."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:_MARK_LENGTH]


@lru_cache(maxsize=256)
def _packed(path: Path, changed: int) -> bytes:  # noqa: ARG001 - as above
    return gzip.compress(path.read_bytes(), 9, mtime=0)
