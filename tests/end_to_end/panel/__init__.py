"""Uses the real panel through a real browser."""
