"""What a reply may be grounded in, finding it for a customer's question, and the port of those who put it into words.

Owns `knowledge_entries`. Invariants: a passage comes from an enabled entry of the client that was asked; a score means
how much of the question the entry speaks to (0: none, 1: all of it), so that one threshold serves every client.
"""
