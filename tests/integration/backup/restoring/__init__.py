"""A restored backup: who gets in afterwards, what is lost and what stays."""
