"""What a person has to know or to decide. Owns `operator_notices`.

Invariant: one open notice for each organization, kind and subject, however often it happens; it stays until it is
resolved, by a person or by what raised it.
"""
