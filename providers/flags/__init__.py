"""Flags out of PostgreSQL by OpenFeature: held in memory, kept current by Redis' messages and by looking.

Several threads a process: one looks into the database, one listens to Redis; whoever reads a flag waits for neither.
"""
