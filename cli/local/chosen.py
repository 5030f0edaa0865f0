"""Settings as files and the environment give them to `gatehouse up`, and the file that it leaves for other commands."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from dotenv import dotenv_values

PREFIX = "GATEHOUSE_"
FILE = "settings.env"


def chosen_settings() -> dict[str, str]:
    """Return what the user set, by full name: `.env` of the working directory, then the environment.

    `PORT` is the short name of `GATEHOUSE_PORT` and wins over it. An empty value counts as not set.
    """
    given = {**dotenv_values(".env"), **os.environ}
    chosen = {name.upper(): value for name, value in given.items() if value and name.upper().startswith(PREFIX)}
    if os.environ.get("PORT"):
        chosen["GATEHOUSE_PORT"] = os.environ["PORT"]
    return chosen


def write_settings(directory: Path, settings: Mapping[str, str]) -> None:
    """Write `settings.env`, which every command reads below `.env` and the environment. It holds secrets."""
    lines = ["# Written by `gatehouse up` at every start. Your own settings belong in .env or the environment."]
    lines += [f"{name}='{_quoted(value)}'" for name, value in settings.items()]
    draft = directory / f"{FILE}.new"
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write("\n".join(lines) + "\n")
    draft.replace(directory / FILE)


def _quoted(value: str) -> str:
    return value.replace("\\", "\\\\").replace("'", "\\'")
