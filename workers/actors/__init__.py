"""One thin actor a job kind: take the typed message, call one use case, return an outcome."""
