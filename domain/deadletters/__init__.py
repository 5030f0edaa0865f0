"""Putting right what died: groups, forecasts, and operations on many. Owns `dead_operations`."""
