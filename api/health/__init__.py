"""How the servers answer, and what operators want to know of the whole system."""
