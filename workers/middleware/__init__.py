"""Dramatiq's hooks. None of them is the only record of an attempt: Dramatiq swallows an error in a middleware."""
