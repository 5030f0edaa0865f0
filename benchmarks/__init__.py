"""What is measured, and against which baseline in the same run. `python -m benchmarks` runs all of it."""
