"""Passwords, tokens and ports of the local servers: made once, kept beside the data, readable by their owner alone."""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path


def _random() -> str:
    return secrets.token_urlsafe(32)


@dataclass(frozen=True)
class Credentials:
    """All that a second start must find unchanged."""

    superuser_password: str = field(default_factory=_random, repr=False)
    owner_password: str = field(default_factory=_random, repr=False)
    app_password: str = field(default_factory=_random, repr=False)
    platform_password: str = field(default_factory=_random, repr=False)
    valkey_password: str = field(default_factory=_random, repr=False)
    supervisor_password: str = field(default_factory=_random, repr=False)
    secret_key: str = field(default_factory=_random, repr=False)
    admin_token: str = field(default_factory=_random, repr=False)
    twilio_account_sid: str = field(default_factory=lambda: f"AC{secrets.token_hex(16)}")
    twilio_auth_token: str = field(default_factory=lambda: secrets.token_hex(16), repr=False)

    @classmethod
    def kept_in(cls, path: Path) -> Credentials:
        """Read them from `path`, adding and saving those that are not there yet."""
        known = json.loads(path.read_text()) if path.exists() else {}
        names = {one.name for one in fields(cls)}
        credentials = cls(**{name: value for name, value in known.items() if name in names})
        if asdict(credentials) != known:
            # Written aside first: an interruption must not lose the passwords of existing data.
            draft = path.with_name(f"{path.name}.new")
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "w") as file:
                json.dump(asdict(credentials), file, indent=2)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(path)
        return credentials

    def role_passwords(self) -> dict[str, str]:
        """Return the passwords of the three database roles, as `postgres.apply_roles` wants them."""
        return {"owner": self.owner_password, "app": self.app_password, "platform": self.platform_password}
