"""What happened, counted by time, for charts that never read the history itself.

Owns `job_statistics`, `activity_statistics` and the same two with `platform_` in front, for all organizations together.
Each process counts in memory and writes every few seconds, and once more when it stops; nothing that handles a message
waits for that or pays a statement for it.

Invariants: a count is taken only once what it counts is committed, or ended. These are statistics, not truth: a process
that is killed loses at most the last interval, and a connection that breaks during a commit may have its interval
counted twice. While the database is away counts are kept, up to a bound, and written once it is back.
"""
