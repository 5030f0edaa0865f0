"""People who left their address to be called back. Owns `leads`."""
