"""One module a group of routes, each with a `router` whose paths are written in full."""
