"""The sandbox phone: a handset in the browser, for development. What it sends and what it shows."""
