"""Pictures of every page by day, by night and on a phone: `python -m tests.browser.screenshots DIRECTORY`.

They are of an application with rows of every kind; `--url` and `--token` take those of one that runs, by its admin
token. `--only` takes pages whose path begins so.
"""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from playwright.sync_api import sync_playwright

from tests.browser.every_page import filled, page_paths
from tests.browser.stage import Stage, sign_in, staged
from tests.support.databases import Databases
from tests.support.run import Run
from tests.support.servers import redis_database, servers_of

if TYPE_CHECKING:
    from playwright.sync_api import Page

_LOOKS: Final[dict[str, dict[str, Any]]] = {
    "light": {"viewport": {"width": 1280, "height": 800}, "color_scheme": "light"},
    "dark": {"viewport": {"width": 1280, "height": 800}, "color_scheme": "dark"},
    "phone": {"viewport": {"width": 390, "height": 844}, "color_scheme": "light", "has_touch": True},
}


def main() -> None:
    """Take the pictures."""
    parser = argparse.ArgumentParser(description="Take pictures of every page.")
    parser.add_argument("directory", type=Path)
    parser.add_argument("--url")
    parser.add_argument("--token")
    parser.add_argument("--only", default="/")
    given = parser.parse_args()
    given.directory.mkdir(parents=True, exist_ok=True)
    with _stage(given.url) as stage, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=_chromium(), args=["--no-sandbox"])
        for look, options in _LOOKS.items():
            page = browser.new_context(**options).new_page()
            if given.token:
                _sign_in_by_token(page, stage, given.token)
            else:
                sign_in(page, stage)
            for path in page_paths():
                if path.startswith(given.only) and (not given.url or "{" not in path):
                    page.goto(stage.url + filled(path, stage.ids), wait_until="load")
                    name = path.strip("/").replace("/", "-").replace("{", "").replace("}", "")
                    page.screenshot(path=given.directory / f"{name}.{look}.png", full_page=True)
        browser.close()


@contextmanager
def _stage(url: str | None) -> Iterator[Stage]:
    if url is not None:
        yield Stage(url, {})
        return
    run = Run()
    try:
        servers = servers_of(run.directory)
        databases = Databases(servers.superuser_url, run.directory)
        redis_url = redis_database(servers.redis_url, "master")
        with (
            tempfile.TemporaryDirectory() as directory,
            databases.migrated() as urls,
            staged(urls, redis_url, Path(directory)) as stage,
        ):
            yield stage
    finally:
        run.end()


def _sign_in_by_token(page: Page, stage: Stage, token: str) -> None:
    page.goto(f"{stage.url}/sign-in?way=token")
    page.get_by_label("Admin token").fill(token)
    page.get_by_role("button", name="Sign in").click()


def _chromium() -> str | None:
    return os.environ.get("GATEHOUSE_TEST_CHROMIUM") or shutil.which("chromium")


if __name__ == "__main__":
    main()
