"""A composer and a texting provider that fail now and then, and see who is at work at once."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from domain.delivery.errors import ProviderRejectedError
from domain.delivery.ports import Accepted, OutgoingSms, Report, SmsProvider
from domain.replies.ports import ComposedReply, ReplyRequest


@dataclass
class UnsteadyComposer:
    """Answers with the question itself. Questions are lines such as "Ann 3", all of one person.

    Every `fails_every`th call fails; `meanwhile` is called with the number of each call, in the midst of it.
    """

    fails_every: int
    meanwhile: Callable[[int], object] = lambda _number: None
    name: str = "unsteady"
    overlaps: list[str] = field(default_factory=list)
    _calls: int = 0
    _at_work: Counter[str] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def compose(self, request: ReplyRequest) -> ComposedReply:
        """Return the question, or fail."""
        person = request.question.split()[0]
        with self._lock:
            self._calls += 1
            number = self._calls
            self._at_work[person] += 1
            if self._at_work[person] > 1:
                self.overlaps.append(request.question)
        try:
            threading.Event().wait(0.02)
            self.meanwhile(number)
            if number % self.fails_every == 0:
                raise ConnectionError("The model did not answer.")
            return ComposedReply(text=request.question, confidence=0.9, sources=(), kind="answer")
        finally:
            with self._lock:
                self._at_work[person] -= 1


class UnsteadySms:
    """Passes texts on, but turns the first one to each of `busy` away."""

    def __init__(self, inner: SmsProvider, busy: set[str]) -> None:
        self._inner = inner
        self._busy = busy
        self._lock = threading.Lock()

    @property
    def name(self) -> str:
        """The inner provider's name."""
        return self._inner.name

    @property
    def account(self) -> str:
        """The inner provider's account."""
        return self._inner.account

    def send(self, sms: OutgoingSms) -> Accepted:
        """Hand a text over, or turn it away."""
        with self._lock:
            busy = sms.to in self._busy
            self._busy.discard(sms.to)
        if busy:
            raise ProviderRejectedError("Too many requests.", code=20429, http_status=429)
        return self._inner.send(sms)

    def find(self, sms: OutgoingSms, since: datetime) -> Sequence[Accepted]:
        """As the inner provider."""
        return self._inner.find(sms, since)

    def fetch(self, provider_id: str) -> Report | None:
        """As the inner provider."""
        return self._inner.fetch(provider_id)
