"""What an owner is told: at once, or gathered into one message when much happens. Owns `owner_alerts`.

Handles `alerts.digest` and `alerts.recheck`, and what follows from `delivery.failed` and `delivery.sender_refused`.

Invariants:
- an alert is raised once per client, kind and subject, in the transaction of what it is about;
- every alert ends as sent or as suppressed with a reason; one that waits has a live `alerts.digest` job;
- an alert about danger waits for nothing;
- a failed alert raises no alert: it goes by the other channel, and to the operators as a notice.
"""
