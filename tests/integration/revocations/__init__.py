"""The revocations room over real databases."""
