"""What has to be done every so often: which work that is, how it stands, and doing it at once.

Table: `maintenance_runs` (runs from the command line, and of the scheduler's own threads); `schedules` is the queue's.
It stands on top of the other capabilities, because it names a message of each that has such work.

Invariant: work may be asked for by anybody at any time; while one of its jobs is live there is no second.
"""
