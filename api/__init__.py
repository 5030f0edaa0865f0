"""The HTTP edge: accepts what comes from outside, answers fast, and holds no business rule."""
