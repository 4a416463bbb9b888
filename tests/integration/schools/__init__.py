"""The schools room over real databases."""
