"""Tests of ``authbridge/schools/``, over SQLite and PostgreSQL."""
