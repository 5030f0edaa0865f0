"""Clients: the businesses that an organization serves. Owns `clients`, `client_settings` and `bots`.

Invariants: `onboarding_complete` becomes true only through the database's function `complete_onboarding`; a number
belongs to one client; the switches are thrown here (`switches.py`) and read by the gate alone.
"""
