"""Uses the real login page before the real service, by HTTP and through a real browser."""
