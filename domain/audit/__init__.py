"""Who did what, and why. Owns `admin_audit_logs`.

Invariants: an entry is written in the transaction of the act, so that neither is without the other; the application can
neither change nor delete one. What an entry shows of a thing before and after is redacted.
"""
