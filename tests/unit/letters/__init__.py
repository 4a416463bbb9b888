"""The letters room without a database."""
