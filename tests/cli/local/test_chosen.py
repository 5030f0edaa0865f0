"""What the user set, and the file that other commands read."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from dotenv import dotenv_values

from cli.local.chosen import chosen_settings, write_settings


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("PORT", "GATEHOUSE_PORT", "GATEHOUSE_SMS_PROVIDER"):
        monkeypatch.delenv(name, raising=False)


def test_the_environment_wins_over_the_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("GATEHOUSE_SMS_PROVIDER=twilio\nGATEHOUSE_HOST=0.0.0.0\nOTHER=1\n")
    monkeypatch.setenv("GATEHOUSE_SMS_PROVIDER", "sandbox")
    chosen = chosen_settings()
    assert chosen["GATEHOUSE_SMS_PROVIDER"] == "sandbox"
    assert chosen["GATEHOUSE_HOST"] == "0.0.0.0"  # noqa: S104 - only compared
    assert "OTHER" not in chosen


def test_port_is_short_for_gatehouse_port(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATEHOUSE_PORT", "1")
    monkeypatch.setenv("PORT", "2")
    assert chosen_settings()["GATEHOUSE_PORT"] == "2"


def test_an_empty_value_is_no_choice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATEHOUSE_SMS_PROVIDER", "")
    assert "GATEHOUSE_SMS_PROVIDER" not in chosen_settings()


def test_what_is_written_is_read_back_and_private(tmp_path: Path) -> None:
    settings = {"GATEHOUSE_ADMIN_TOKEN": "it's $HOME \\ #1", "GATEHOUSE_PORT": "8000"}
    write_settings(tmp_path, settings)
    assert dotenv_values(tmp_path / "settings.env") == settings
    assert stat.S_IMODE((tmp_path / "settings.env").stat().st_mode) == 0o600
