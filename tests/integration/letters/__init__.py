"""Tests of ``authbridge/letters/``, over SQLite and PostgreSQL."""
