"""The processes that run jobs: Dramatiq's threads and shutdown around our own claim, run and finish."""
