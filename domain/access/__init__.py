"""Who may do what. Owns `users`, `user_sessions`, `memberships`, `api_keys`, what hangs on them, and `role_overrides`.

Invariants: a permission comes from a role's file alone (`config/roles/`), and no role's name stands in a condition. Of
passwords, tokens and keys only hashes are kept. What credentials don't allow, no header or address adds.
"""
