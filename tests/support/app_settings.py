"""Settings for an application of the test itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from config.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

ADMIN_TOKEN: Final = "admin-token-for-tests-0123456789"


def app_settings(data_dir: Path, /, **changes: object) -> Settings:
    """Return settings that name no server that answers; keyword arguments change them."""
    given: dict[str, object] = {
        "environment": "test",
        "data_dir": data_dir,
        "database_url": "postgresql://127.0.0.1:1/none",
        "platform_database_url": "postgresql://127.0.0.1:1/none",
        "broker_url": "redis://127.0.0.1:1/0",
        "redis_url": "redis://127.0.0.1:1/0",
        "secret_key": "secret-key-for-tests-0123456789-0123456789",
        "admin_token": ADMIN_TOKEN,
        "log_format": "json",
        "allowed_hosts": "testserver",  # How the client in this process calls it, in production as well.
        # A test asks more in a second than anybody in a minute; tests of the rates set their own.
        "rates": {"address": 10**6, "reads": 10**6, "changes": 10**6, "sign_ins": 10**6, "letters": 10**6},
    }
    return Settings.model_validate(given | changes)
