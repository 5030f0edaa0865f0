"""Everything that leaves the house for a person: asked for once, sent at most once, followed to its end.

Tables: `deliveries`, `notification_logs` (one row an attempt), `delivery_receipts`, `opt_outs`.
Handles the job `delivery.send`.

Invariants:
- an attempt's row commits before the provider is called, and no transaction is open during the call;
- after an unknown outcome the provider is asked what became of it before anything is sent again;
- the gate is asked in the transaction that opens the attempt;
- a state only moves forward, in whatever order receipts come.
"""
