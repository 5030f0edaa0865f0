"""Organizations: the tenants. Owns the table `organizations`.

Every tenant row elsewhere carries the id of one, and row-level security holds a tenant's session to its own.
"""
