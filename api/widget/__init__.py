"""What the chat widget's routes are made of: bots, origins, tokens, limits and streams."""
