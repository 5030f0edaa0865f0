"""A directory of role files that a test writes as it likes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

PERMISSIONS: Final[dict[str, Any]] = {
    "account.view": {"about": "See who one is", "scopes": ["own"], "personal": True},
    "overview.view": {"about": "See the overview", "scopes": ["platform", "organization", "client", "own"]},
    "letters.view": {"about": "Read letters", "scopes": ["platform", "organization", "client", "subordinates", "own"]},
    "letters.write": {"about": "Write letters", "scopes": ["platform", "organization", "client"], "changes": True},
}
THEME: Final[dict[str, Any]] = {
    "name": "Slate",
    "light": {"accent": "#334155", "on_accent": "#ffffff"},
    "dark": {"accent": "#cbd5e1", "on_accent": "#0b1220"},
}
OVERVIEW: Final[dict[str, Any]] = {
    "id": "overview",
    "label": "Overview",
    "path": "/dashboard/overview",
    "icon": "layout-dashboard",
    "permission": "overview.view",
}
LETTERS: Final[dict[str, Any]] = {
    "id": "letters",
    "label": "Letters",
    "path": "/dashboard/letters",
    "icon": "mail",
    "permission": "letters.view",
}
WIDGET: Final[dict[str, Any]] = {
    "id": "letters",
    "title": "New letters",
    "type": "figure",
    "source": "letters",
    "refresh_seconds": 30,
    "permission": "letters.view",
}
BASE: Final[dict[str, Any]] = {
    "abstract": True,
    "inherits": None,
    "icon": "user",
    "theme": THEME,
    "permissions": {"overview.view": "own"},
    "navigation": [OVERVIEW],
    "features": {"search": True},
    "caching": {"letters": 10},
}


class RoleDirectory:
    """A directory as the product's own: `permissions.v1.json`, and `roles/` with `base` and what is written."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.roles = path / "roles"
        self.roles.mkdir(parents=True)
        (path / "permissions.v1.json").write_text(json.dumps({"schema": 1, "permissions": PERMISSIONS}))
        self.write("base", **BASE)

    def write(self, role: str, /, *, version: object = 1, place: Path | None = None, **said: Any) -> Path:  # noqa: ANN401
        """Write a role's file; what is not said is as a small role has it."""
        document = {
            "schema": 2,
            "role": role,
            "version": version,
            "display_name": role.title(),
            "about": f"The role {role}",
            "inherits": "base",
            **said,
        }
        return self.write_text(f"{role}.v{version}.json", json.dumps(document), place=place)

    def write_text(self, name: str, text: str, *, place: Path | None = None) -> Path:
        """Write a file as it is given."""
        path = (place or self.roles) / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        return path
