"""Signing in through an OpenID provider: discovery, authorization code with PKCE, and the ID token checked in full."""
