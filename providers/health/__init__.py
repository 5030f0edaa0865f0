"""Whether a provider is to be called now: circuits for each of its clients, a limit on its account's calls at once."""
