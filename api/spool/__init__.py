"""Keeps verified webhooks while the database is away, and brings them in, in order, when it is back.

An entry is on a disk before its sender gets an answer: in a Redis stream when that server persists what it is told
(`stream`), with a copy in a file, since Redis may be wiped; otherwise in a file of this process alone (`files`). It is
removed only after the database has committed what it holds, and taking it in twice changes nothing; so whatever is
killed in between, nothing is lost or doubled.

Parts: `arrival` (an entry), `frames` (entries in a file), `stream` and `files` (the two stores), `spool` (which store,
for how long), `drain` (back into the database), `standing` (how much waits).
"""
