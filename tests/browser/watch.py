"""What a browser says of a page while it is looked at: errors, breaches of its policy, requests that failed, axe."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from playwright.sync_api import ConsoleMessage, Page, Request, Response

AXE: Final = Path(__file__).parent / "vendor" / "axe-core" / "axe.min.js"
_SERIOUS: Final = frozenset({"serious", "critical"})
_RUN: Final = """
    async (options) => {
      return (await axe.run(document, options)).violations.map((one) => ({
        id: one.id, impact: one.impact, help: one.help, nodes: one.nodes.map((node) => node.html.slice(0, 200)),
      }));
    }
"""
_LEFT: Final = frozenset({"net::ERR_ABORTED"})
"""A stream that ends because its page is left."""


class Watch:
    """Notes what goes wrong on a page, from now on."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self.faults: list[str] = []
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.faults.append(f"error: {error}"))
        page.on("requestfailed", self._failed)
        page.on("response", self._answered)

    def take(self) -> list[str]:
        """Return what went wrong since the last time."""
        taken, self.faults = self.faults, []
        return taken

    def _said(self, message: ConsoleMessage) -> None:
        # A breach of the content security policy is an error of the console as well.
        if message.type == "error" or "Content Security Policy" in message.text:
            self.faults.append(f"console: {message.text}")

    def _failed(self, request: Request) -> None:
        if request.failure not in _LEFT:
            self.faults.append(f"{request.url}: {request.failure}")

    def _answered(self, response: Response) -> None:
        if response.status >= 400:
            self.faults.append(f"{response.url}: {response.status}")


def axe(page: Page, *rules: str) -> list[str]:
    """Return the serious and critical findings of axe-core on a page as it is shown now; of some rules, or of all.

    The script runs by the debugger's own way into the page, which its policy does not concern.
    """
    options: dict[str, Any] = {"resultTypes": ["violations"]}
    if rules:
        options["runOnly"] = {"type": "rule", "values": list(rules)}
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE.read_text())
    found = page.evaluate(_RUN, options)
    return [f"{one['id']}: {one['help']}: {one['nodes'][:3]}" for one in found if one["impact"] in _SERIOUS]
