"""Business capabilities, one package each. No web framework, no broker, no vendor SDK."""
