"""Backups, restoring them, and the move to another database."""
