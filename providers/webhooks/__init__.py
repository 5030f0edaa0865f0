"""Calls addresses that strangers named: never into a private network, never longer than a set time."""
