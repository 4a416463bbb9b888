"""The storage room over real databases."""
