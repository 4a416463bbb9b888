"""Tests of ``authbridge/schools/commands/``, over SQLite and PostgreSQL."""
