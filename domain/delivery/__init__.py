"""Everything that leaves the house for a person: asked for once, sent at most once, followed to its end.

Tables: `deliveries`, `notification_logs` (one row an attempt), `delivery_receipts`, `opt_outs`, `sender_flags`.
Handles the jobs `delivery.send`, `delivery.poll` and `delivery.sweep`; tells others by `delivery.failed` and
`delivery.sender_refused`.

Invariants:
- an attempt's row commits before the provider is called, and no transaction is open during the call;
- after an unknown outcome the provider is asked what became of it before anything is sent again;
- the gate is asked in the transaction that opens the attempt;
- what became of a try follows from all reports of its message, in whatever order they come, and never goes back;
- another try follows only one that is known to have failed;
- a delivery is locked before its attempts are.
"""
