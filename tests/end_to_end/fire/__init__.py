"""Everything at once, while parts of it fail."""
