"""What every e-mail is put together with: the frame that all share, and text that is safe in a header.

In HTML each value is escaped; in a subject line breaks and other control characters become spaces, so that no value can
begin a header.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

_FRAME: Final = Path(__file__).parent / "letter_frame"
_LONGEST_SUBJECT: Final = 140
_BREAKS: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_UNPRINTABLE: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def environments(directory: Path) -> tuple[Environment, Environment]:
    """Return what renders a directory's templates as HTML and as plain text; they extend `base.html` and `base.txt`."""
    return _environment(directory, html=True), _environment(directory, html=False)


def one_line(text: str) -> str:
    """Return text as a subject takes it: on one line, without control characters, not longer than can be read."""
    line = on_one_line(text)
    return line if len(line) <= _LONGEST_SUBJECT else line[: _LONGEST_SUBJECT - 1].rstrip() + "…"


def on_one_line(text: str) -> str:
    """Return text on one line, without control characters."""
    return " ".join(_BREAKS.sub(" ", text).split())


def printable(text: str) -> str:
    """Return text without the characters that no mail program shows; its lines stay."""
    return _UNPRINTABLE.sub("", text.replace("\r\n", "\n"))


def _environment(directory: Path, *, html: bool) -> Environment:
    return Environment(
        loader=FileSystemLoader([directory, _FRAME]),
        autoescape=html,  # noqa: S701  # plain text, in which nothing has a meaning
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
