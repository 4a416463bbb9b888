"""The staff room over real databases."""
