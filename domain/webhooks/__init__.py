"""What tenants are told by HTTPS.

Owns `webhook_endpoints`, `webhook_events`, `webhook_sends` and `webhook_attempts`.
"""
