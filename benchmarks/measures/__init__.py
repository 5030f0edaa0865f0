"""One module a measure. Each has `measure(stage, plan) -> list[Result]`."""
