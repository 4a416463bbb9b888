"""Loops that take minutes."""
