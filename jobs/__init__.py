"""Maintenance that cron starts (`gatehouse jobs run NAME`): one module a job, listed in `schedule.py`."""
