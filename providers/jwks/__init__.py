"""Bearer tokens of one issuer: its public keys, fetched and kept, and the one strict way to read a token with them."""
