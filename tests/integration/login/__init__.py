"""The login room over real databases."""
