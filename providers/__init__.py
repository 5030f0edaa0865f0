"""Adapters to the outside: each implements a capability's ports with one vendor's client, or with none."""
