"""Server-rendered pages: templates of `api/dashboard`, escaped, under a policy that allows only our own assets."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse

DASHBOARD: Final = Path(__file__).parent / "dashboard"
ASSETS: Final = DASHBOARD / "assets"

_templates = Environment(
    loader=FileSystemLoader(DASHBOARD), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
)


def page(template: str, status: int = 200, **context: object) -> HTMLResponse:
    """Return a page. A name that the template uses and `context` lacks is an error."""
    return HTMLResponse(_templates.get_template(template).render(**context), status)
