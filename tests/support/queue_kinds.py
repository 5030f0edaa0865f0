"""Job kinds for tests of the queue itself; no actor of the product handles them."""

from __future__ import annotations

from dataclasses import dataclass

from domain.queue.message import Message, job


@job(kind="test.note", queue="default", max_attempts=3)
@dataclass(frozen=True, slots=True)
class Note(Message):
    """A job with one argument."""

    text: str = ""


@job(kind="test.errand", queue="bulk", max_attempts=5)
@dataclass(frozen=True, slots=True)
class Errand(Message):
    """A job of another kind and queue."""

    number: int = 0
