"""Actors of conversations."""

from __future__ import annotations

from domain.conversations.messages import ProcessMessages, RecoverInbound
from domain.conversations.process import process_messages
from domain.conversations.recover import recover_inbound
from domain.queue.outcome import Outcome
from domain.queue.run import Run
from workers.registry import actor
from workers.services import Services


@actor(ProcessMessages)
def process(message: ProcessMessages, run: Run, services: Services) -> Outcome:
    """Answer a contact."""
    return process_messages(
        message, run, clock=services.clock, composer=services.composer, signal=services.thread_signal
    )


@actor(RecoverInbound)
def recover(message: RecoverInbound, run: Run, services: Services) -> Outcome:
    """Take in texts that never reached us."""
    return recover_inbound(message, run, services.inbound, services.clock)
