"""Feature flags, kill switches of the platform and runtime settings. Owns `flags`, `flag_targets` and `flag_revisions`.

Invariants: a change is in force in every process within a second, audited, and can be undone; what a flag may hold is
said by its type, and a process that can read none goes on with the last that it knew, or the default. Kill switches are
read by the gate alone.
"""
