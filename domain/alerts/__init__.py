"""What a client's owner is told. Owns `owner_alerts`."""
