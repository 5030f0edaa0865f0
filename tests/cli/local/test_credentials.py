"""Secrets are made once, kept, and not shown."""

from __future__ import annotations

import json
import stat
from dataclasses import asdict
from pathlib import Path

from cli.local.credentials import Credentials


def test_a_second_start_finds_the_same(tmp_path: Path) -> None:
    path = tmp_path / "secrets.json"
    assert Credentials.kept_in(path) == Credentials.kept_in(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_newer_release_adds_what_it_needs_and_keeps_the_rest(tmp_path: Path) -> None:
    path = tmp_path / "secrets.json"
    path.write_text(json.dumps({"secret_key": "kept", "from_another_release": "x"}))
    found = Credentials.kept_in(path)
    assert found.secret_key == "kept"
    assert found.admin_token == Credentials.kept_in(path).admin_token


def test_no_secret_is_shown_by_repr() -> None:
    credentials = Credentials()
    shown = repr(credentials)
    secret = {name: value for name, value in asdict(credentials).items() if name != "twilio_account_sid"}
    assert not [name for name, value in secret.items() if value in shown]


def test_every_installation_has_its_own() -> None:
    first, second = asdict(Credentials()), asdict(Credentials())
    assert not [name for name in first if first[name] == second[name]]
