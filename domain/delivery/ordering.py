"""Texts to one person leave in the order in which they were written.

A reply that has to be tried again would otherwise arrive after the next one. So a delivery waits for those before it,
of the same client to the same address, that are not with the provider yet; but only while these are young: one that is
stuck holds a conversation up for two minutes, not for good. What waits for the end of quiet hours is waited for by its
like alone, not by an answer that may leave at any hour. Alerts to an owner wait for nothing.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

LOOK_AGAIN: Final = timedelta(seconds=1)
WAITS_FOR_EARLIER: Final = "A text to the same person that was written before it has not left yet."

# Part of the query that loads the delivery `d`; a probe of the index `deliveries_unsent`.
BEHIND: Final = """
    d.purpose NOT IN ('owner_alert', 'test') AND EXISTS (
        SELECT FROM deliveries e
        WHERE e.client_id = d.client_id AND e.to_address = d.to_address AND e.id < d.id
            AND e.state IN ('pending', 'sending', 'unknown') AND e.channel = d.channel
            AND e.direct_reply = d.direct_reply AND e.purpose NOT IN ('owner_alert', 'test')
            AND e.created_at > now() - interval '2 minutes')
"""
