"""The domain over real databases."""
