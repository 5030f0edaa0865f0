"""Organizations: the tenants. Owns the table `organizations`.

Every tenant row elsewhere carries the id of one, and row-level security holds a tenant's session to its own. A slug is
given once and kept: it is the first label of the organization's host name.
"""
