"""An application on real servers, and settings for it."""

from __future__ import annotations

from tests.support.app_fixtures import MakeSettings, client, settings, unconnected
from tests.support.app_settings import ADMIN_TOKEN

__all__ = ["ADMIN_TOKEN", "MakeSettings", "client", "settings", "unconnected"]
