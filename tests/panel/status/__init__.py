"""How things stand, in sentences."""
