"""Putting right what died: telling, groups, forecasts, and operations on many. Owns `dead_operations`.

Handles `queue.job_died` and `deadletters.operate`.

Invariants:
- a dead letter stays until a person requeues or discards it, and each of these is on record with a reason;
- every death is told once, unless it is over before it is told;
- an operation that is killed goes on where it was and changes no letter twice;
- a forecast changes nothing, and nothing that is requeued skips the gate.
"""
