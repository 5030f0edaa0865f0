"""Where the files of this package are."""

from __future__ import annotations

from pathlib import Path
from typing import Final

CONFIG: Final = Path(__file__).parent
"""The directory with the rules, roles and permissions that come with this release."""
