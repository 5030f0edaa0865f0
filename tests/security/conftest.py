"""An application on real servers, and settings for it."""

from __future__ import annotations

from tests.support.app_fixtures import client, settings, unconnected

__all__ = ["client", "settings", "unconnected"]
