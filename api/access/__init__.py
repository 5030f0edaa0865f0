"""Who asks, for which organization, and whether they may: what a route declares with `requires` or `public`."""
