"""Installs, checks and demonstrates the product as an operator does."""
