"""The gate: nothing reaches a customer, an owner or a provider without a decision here. Owns `guard_logs`.

Invariants: no other module reads a kill switch; every decision, allowed or not, is a row of `guard_logs` in the
transaction that acts on it; a log row can be neither changed nor deleted by a tenant's session.
"""
