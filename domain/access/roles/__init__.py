"""Roles as data: files in `config/roles/`, checked when they are read."""
