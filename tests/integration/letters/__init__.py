"""The letters room over real databases."""
