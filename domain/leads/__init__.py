"""People who left their address to be called back. Owns `leads`.

Invariants: a lead is stored once per client and idempotency key, whatever becomes of the alert; it has a number in
E.164 or an e-mail address, or both.
"""
